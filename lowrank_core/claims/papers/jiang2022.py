"""Jiang, Chen and Ding (2022): early stopping of the factorisation of a matrix of any rank."""

from lowrank_core.claims.papers.paper import Paper, Said

PAPER = Paper(
    key="jiang2022",
    authors="Jiang, Chen and Ding",
    year=2023,
    title="Algorithmic Regularization in Model-Free Overparametrized Asymmetric Matrix Factorization",
    arxiv="2203.02839",
    doi="10.48550/arXiv.2203.02839",
    versions="the journal's (2023) and two on arXiv of 2022",
    read="The abstract.",
    says=(
        Said(
            "From a small random start gradient descent on a fully observed matrix of any rank recovers its "
            "principal components one after the other.",
            "abstract",
            answers=("jin2023.incremental-exponents",),
            remark="By the claim about the paper of Jin et al.",
        ),
        Said(
            "Stopped in time it returns the best approximation of low rank, although the global optimum "
            "overfits.",
            "abstract",
            answers=("jiang2022.early-stopping",),
            remark="The stopping time and the rate are derived here.",
        ),
        Said(
            "The number of iterations is almost free of the dimension and logarithmic in the error of "
            "approximation.",
            "abstract",
            remark="no claim varies the dimension; the bound was not read.",
        ),
    ),
)
