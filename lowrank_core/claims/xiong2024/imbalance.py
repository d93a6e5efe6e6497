"""What the imbalance of the factors does: conservation, crossover, and the limits of both."""
