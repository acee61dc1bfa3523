"""Loss terms: small functions on tensors, one family a file, each with its equation, shapes and source."""
