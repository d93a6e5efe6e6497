"""Stöger and Soltanolkotabi (2021): a small random start acts like a spectral one."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="stoger2021",
    authors="Stöger and Soltanolkotabi",
    year=2021,
    title="Small Random Initialization Is Akin to Spectral Learning: Optimization and Generalization "
    "Guarantees for Overparameterized Low-Rank Matrix Reconstruction",
    arxiv="2106.15013",
    doi="10.48550/arXiv.2106.15013",
    versions="the conference's (2021) and four on arXiv, the last of 2022",
    read="The abstract. The main theorem is known through its generalisation to tensors, by Karnik et al., and "
    "its number of iterations through a table of Xu et al.; the condition number there is that of the factor, "
    "√κ here.",
    says=(
        Said(
            "A small random start and a few iterations of gradient descent act like a spectral method.",
            "abstract",
            answers=("stoger2021.spectral-phase", "stoger2021.angle-to-the-spectral-estimate"),
        ),
        Said(
            "This bias is more prominent in over-parameterised models.",
            "abstract",
            answers=("stoger2021.over-parameterisation-and-alignment",),
            remark="In rare bad starts, not in the typical one.",
        ),
        Said(
            "Gradient descent goes through a spectral phase, leaves saddles behind, and then converges quickly.",
            "abstract",
            answers=("stoger2021.spectral-phase",),
            remark="The second and third phases are not tried.",
        ),
        Said(
            "For a positive semidefinite truth the relative error at some time is at most of the order "
            "α^(21/16), times factors that are exponential in κ, under restricted isometry of rank 2r + 1 with "
            "a constant ≲ κ⁻²r^(−1/2), from a start that is exponentially small in κ.",
            "main theorem, in later work",
            "restated",
            answers=("stoger2021.sensing-exponent", "stoger2021.adversarial-operator"),
            remark="In the version for tensors with k ≥ 3r. The hypotheses on the operator and on α are not met at "
            "the sizes that run; where the exponent of an instance is 21/16 or more, its operator says so.",
        ),
        Said(
            "The number of iterations is of the order κ⁴ + κ³ log(κn/ε) for k > r.",
            "a table of Xu et al. (2023)",
            "restated",
            remark="it is an upper bound, as others quote it.",
        ),
    ),
    experiments=(
        Experiment(
            "later work by Karnik et al.",
            "Angles to the spectral estimate and to the truth along the run, for tensors; n = 10, k = 4, r = "
            "3, m = 254.",
            "in kind",
            claims=("stoger2021.angle-to-the-spectral-estimate",),
            remark="For matrices; the figures of the paper itself were not seen.",
            known="restated",
        ),
    ),
)
