"""Images of any size, read in parts: their place on the map, their tiles, and one laid onto another."""
