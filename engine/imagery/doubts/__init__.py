"""What may be wrong with single images, pairs and scenes, and the words for it."""
