"""Doing jobs: the table from job to function, and the process that serves the window."""
