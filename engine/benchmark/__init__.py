"""This project's own measurements: ratios of two things timed in turn in one run, so that they hold on any machine."""
