"""Claims of Jin et al., "Understanding incremental learning of gradient descent" (2023); abstract read."""
