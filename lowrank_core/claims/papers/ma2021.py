"""Ma, Li and Chi (2021): two factors from a spectral start need no balancing."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="ma2021",
    authors="Ma, Li and Chi",
    year=2021,
    title="Beyond Procrustes: Balancing-Free Gradient Descent for Asymmetric Low-Rank Matrix Sensing",
    arxiv="2101.05113",
    doi="10.1109/TSP.2021.3051425",
    versions="the journal's version (2021), and one on arXiv",
    read="The whole text.",
    says=(
        Said(
            "From a spectral start gradient descent on two factors converges linearly without a balancing "
            "term, and the factors stay balanced.",
            "abstract",
            answers=("zhang2025.balancing-free",),
            remark="For Gaussian measurements at a size at which its condition on the isometry constant is not "
            "met.",
        ),
        Said(
            "From a start within c₀κ^(−3/2)σ_r^(1/2) of the truth, and with δ of rank 2r small, the distance "
            "up to invertible maps contracts by 1 − η/(50κ) a step.",
            "Theorem 1",
            answers=("ma2021.local-contraction",),
            remark="Its constants are not named; with those that were taken the distance falls far faster.",
        ),
    ),
    experiments=(
        Experiment(
            "Figure 2",
            "Completion with and without a balancing term; n = 1000, r = 10, 15 % of the entries.",
            "reproduced",
            claims=("zhang2025.balancing-free-figure",),
            stored=("ma2021-figure-2",),
            remark="The spectrum, the start and the step are taken.",
        ),
    ),
)
