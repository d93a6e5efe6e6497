"""Claims of Zhang, Fattahi & Zhang, "Preconditioned Gradient Descent for Overparameterized ... Factorization".

The paper (JMLR 24, 2023) was read in full; theorems, constants and pages are quoted from it. Its f is ½‖A(XXᵀ) −
b‖², twice the loss of the solvers, so that its step α is η/2. The exact local laws are derived here.
"""

MODULES = ("laws", "bounds", "curvature", "undamped", "certificate", "figures")
"""In the order of the book."""
