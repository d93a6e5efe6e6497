"""Soltanolkotabi, Stöger and Xie (2023): implicit balancing from a small start."""

from lowrank_core.claims.papers.paper import Paper, Said

PAPER = Paper(
    key="soltanolkotabi2023",
    authors="Soltanolkotabi, Stöger and Xie",
    year=2023,
    title="Implicit Balancing and Regularization: Generalization and Convergence Guarantees for "
    "Overparameterized Asymmetric Matrix Sensing",
    arxiv="2303.14244",
    doi="10.48550/arXiv.2303.14244",
    versions="the conference's, an extended abstract (2023), and two on arXiv",
    read="The abstract, and the extended abstract, which has no theorem, rate or constant.",
    says=(
        Said(
            "Along the path of gradient descent from a small start the two factors are coupled.",
            "abstract",
            answers=("soltanolkotabi2023.implicit-balancing",),
            remark="What is tried is one such coupling, the balance; its size is derived here.",
        ),
        Said(
            "On two factors of any width gradient descent from a small random start converges to the low-rank "
            "matrix behind the measurements.",
            "abstract",
            answers=("wind2023.large-start-interpolates", "wind2023.sensing-exponent"),
            remark="By the claims about the later paper of Wind, at small sizes.",
        ),
        Said(
            "The iterates prefer low rank.",
            "abstract",
            answers=("jin2023.learns-ranks-in-sequence",),
            remark="By the claim about the paper of Jin et al., in the order in which ranks are learnt.",
        ),
    ),
)
