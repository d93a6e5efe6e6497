"""Jin et al. (2023): gradient descent learns the ranks one after the other."""

from lowrank_core.claims.papers.paper import Paper, Said

PAPER = Paper(
    key="jin2023",
    authors="Jin, Li, Lyu, Du and Lee",
    year=2023,
    title="Understanding Incremental Learning of Gradient Descent: A Fine-grained Analysis of Matrix Sensing",
    arxiv="2301.11500",
    doi="10.48550/arXiv.2301.11500",
    versions="the conference's and that on arXiv, both of 2023",
    read="The abstract and the conclusion.",
    says=(
        Said(
            "From a small start gradient descent learns solutions of increasing rank until it recovers the "
            "truth.",
            "abstract",
            answers=(
                "jin2023.learns-ranks-in-sequence",
                "jin2023.incremental-exponents",
                "jin2023.exponent-proof",
            ),
            remark="How near the path comes to each best approximation is derived here.",
        ),
        Said(
            "The same holds with fewer columns than the true rank.",
            "abstract",
            answers=("jin2023.learns-ranks-in-sequence",),
        ),
        Said(
            "With fewer columns the landscape is analysed as well.",
            "conclusion",
            remark="what is said of it was not read.",
        ),
    ),
)
