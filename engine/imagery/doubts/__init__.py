"""What may be wrong with single images and pairs, and the words for it."""
