"""Claims of X. Xu, Y. Shen, Y. Chi & C. Ma, "The Power of Preconditioning in Overparameterized
Low-Rank Matrix Sensing" (ICML 2023).

The revision of May 2023 was read, and of later versions the abstract. Its method is ScaledGD(λ): a fixed damping λ
and a small random start.
"""

MODULES = ("damping", "figures")
"""In the order of the book."""
