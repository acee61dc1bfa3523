"""Model files for other programs, each checked against the model it came from before it is called done."""
