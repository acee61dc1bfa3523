"""What image files hold: a reader for every kind, which keeps all radiometry."""
