"""What a model is worth: scores where labels exist, the modality gap and agreement where they do not."""
