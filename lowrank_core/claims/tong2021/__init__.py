"""Claims of Tong, Ma & Chi, "Accelerating Ill-Conditioned Low-Rank Matrix Estimation via Scaled Gradient Descent".

The paper (JMLR 22, 2021) was read in full; theorems, constants and pages are quoted from it. The exact local rate
and what follows from it are derived here. The paper assumes that the search rank equals the true rank r.
"""

MODULES = ("laws", "guarantees", "speed", "figures")
"""In the order of the book."""
