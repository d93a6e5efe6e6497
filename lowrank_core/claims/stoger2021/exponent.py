"""The exponent of the error in the scale of a symmetric start."""
