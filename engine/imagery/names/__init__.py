"""What the names of files and folders say: which sensor took an image, its class, and which tile of a scene it is."""
