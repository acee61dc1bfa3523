"""The methods, one file each: what is trained, on which streams, with which terms."""
