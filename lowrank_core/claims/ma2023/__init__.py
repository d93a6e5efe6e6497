"""Claims of Ma & Fattahi, "Global Convergence of Sub-gradient Method for Robust Matrix Recovery" (JMLR 24(96)).

The paper (2023) was read in full; references give its theorems, equations and pages. Its theorems leave constants
unnamed, so what is tested are rates, exponents, orderings and the failure of controls; sharper statements are
derived here.
"""

MODULES = (
    "sign_rip",
    "sign_rip_deviation",
    "sign_rip_noise",
    "sign_rip_lemmas",
    "sign_rip_proofs",
    "spectral_initialisation",
    "expected_loss_runs",
    "noiseless",
    "noiseless_scaling",
    "noiseless_proofs",
    "outliers",
    "outlier_laws",
    "search_rank",
    "starts",
    "not_a_minimum",
    "not_a_minimum_proofs",
    "gaussian_noise",
    "schedules",
)
"""In the order of the book."""
