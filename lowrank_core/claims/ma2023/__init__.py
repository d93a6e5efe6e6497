"""Claims of Ma & Fattahi, "Global Convergence of Sub-gradient Method for Robust Matrix Recovery" (JMLR 24(96)).

The paper (2023) was read in full; references give its theorems, equations and pages. Its theorems leave constants
unnamed, so what is tested are rates, exponents, orderings and the failure of controls; sharper statements are
derived here. The modules are listed in the order of the book.
"""

from lowrank_core.claims.ma2023 import sign_rip, sign_rip_deviation, sign_rip_proofs  # isort: split

from lowrank_core.claims.ma2023 import spectral_initialisation  # isort: split

from lowrank_core.claims.ma2023 import expected_loss_runs, noiseless, noiseless_proofs  # isort: split

from lowrank_core.claims.ma2023 import outlier_laws, outliers  # isort: split

from lowrank_core.claims.ma2023 import search_rank, starts  # isort: split

from lowrank_core.claims.ma2023 import not_a_minimum, not_a_minimum_proofs  # isort: split

from lowrank_core.claims.ma2023 import gaussian_noise, schedules

__all__ = [
    "expected_loss_runs",
    "gaussian_noise",
    "noiseless",
    "noiseless_proofs",
    "not_a_minimum",
    "not_a_minimum_proofs",
    "outlier_laws",
    "outliers",
    "schedules",
    "search_rank",
    "sign_rip",
    "sign_rip_deviation",
    "sign_rip_proofs",
    "spectral_initialisation",
    "starts",
]
