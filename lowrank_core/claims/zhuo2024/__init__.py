"""Claims of Zhuo, Kwon, Ho & Caramanis, "On the Computational and Statistical Complexity of Over-parameterized
Matrix Sensing" (JMLR 25, 2024).

Symmetric gradient descent with more columns than the truth has rank, from a start near the truth. The paper was
read whole; where a printed constant does not hold, a weaker one is proved here.
"""

MODULES = ("blocks", "constants", "floor", "figures")
"""In the order of the book."""
