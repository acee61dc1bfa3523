"""Reading many files: side by side, once, with bounded memory, whatever disks and damaged files do."""
