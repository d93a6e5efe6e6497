"""Claims of Zhuo, Kwon, Ho & Caramanis, "On the Computational and Statistical Complexity of Over-parameterized
Matrix Sensing" (JMLR 25, 2024).

Symmetric gradient descent with more columns than the truth has rank, from a start near the truth. The paper was
read whole; where a printed constant does not hold, a weaker one is proved here. The modules are listed in the
order of the book.
"""

from lowrank_core.claims.zhuo2024 import blocks  # isort: split

from lowrank_core.claims.zhuo2024 import constants  # isort: split

from lowrank_core.claims.zhuo2024 import floor

__all__ = ["blocks", "constants", "floor"]
