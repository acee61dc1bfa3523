"""Clips: videos with their sound, decoded once, and the networks that take pictures and sound of clips."""
