"""Asymmetric gradient descent is linear, at a rate set by the imbalance of its start: the experiments."""
