"""The engine of Bandbridge: everything but the window. No Qt anywhere below this package."""
