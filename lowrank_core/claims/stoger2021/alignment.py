"""The spectral phase, and what over-parameterisation does for alignment."""
