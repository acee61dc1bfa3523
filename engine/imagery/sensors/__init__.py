"""What a sensor's values mean: which sensor it is, which values it takes, and how they are brought to 0..1."""
