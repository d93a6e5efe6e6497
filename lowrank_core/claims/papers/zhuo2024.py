"""Zhuo, Kwon, Ho and Caramanis (2024): gradient descent with too many columns, near the truth and under noise."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="zhuo2024",
    authors="Zhuo, Kwon, Ho and Caramanis",
    year=2024,
    title="On the Computational and Statistical Complexity of Over-parameterized Matrix Sensing",
    arxiv="2102.02756",
    doi="10.48550/arXiv.2102.02756",
    versions="the journal's version (JMLR 25, number 169, 2024), whose pages are cited",
    read="The whole text.",
    says=(
        Said(
            "With k > r columns the squared error reaches the statistical error kdσ²/n, up to logarithms, "
            "after of the order (σ_r/σ)√(n/d) iterations.",
            "abstract",
            answers=("zhuo2024.noise-floor", "zhuo2024.steps-to-floor"),
            remark="In the order of σ; d is the size of the matrix and n the number of measurements there.",
        ),
        Said(
            "The linear phase takes ⌈2 log(σ_r/ε)⌉ steps of length 1/(100σ₁).",
            "Theorem 4(a), p. 8",
            answers=("zhuo2024.block-errors",),
            questioned=("zhuo2024.linear-phase",),
            remark="A factor of about 200κ is missing in the count.",
        ),
        Said(
            "After Θ(σ₁/ε_stat) steps the error is of the order ε_stat = κσ√(d log d/n), free of k.",
            "Theorem 4(b), p. 8",
            answers=("zhuo2024.noise-floor", "zhuo2024.steps-to-floor", "zhuo2024.samples-and-search-rank"),
            remark="In the order of σ, and free of k at the sizes that run.",
        ),
        Said(
            "For that, a number of samples of the order k²κ²d log³d suffices, and kκ²d log³d for the linear phase.",
            "Theorem 4, p. 8",
            answers=("zhuo2024.samples-and-search-rank",),
            remark="It suffices, with a constant that is not named. At the size that runs fewer reach the "
            "floor, which hardly grows with k. Which power of k is needed in general is not tested.",
        ),
        Said(
            "The signal and the cross block fall linearly at first, and then follow the residual.",
            "remarks after Corollary 5, pp. 9–10",
            answers=("zhuo2024.block-errors",),
        ),
        Said(
            "One population step contracts the cross block by 1 − ησ_r.",
            "Lemma 6(b) and (d), p. 12",
            questioned=("zhuo2024.cross-block",),
            remark="It contracts, with a smaller constant; part (d) drops a term of second order. The rates do "
            "not change.",
        ),
        Said(
            "The residual falls like 1/t on the population loss.",
            "Lemma 6(c), p. 12, and eq. (10), pp. 13, 15",
            answers=("zhuo2024.population-bounds",),
        ),
    ),
    experiments=(
        Experiment(
            "Figure 1",
            "Error for k = 3, 4 and 20; d = 20, r = 3, 200 measurements without noise, a step of 0.1.",
            "reproduced",
            claims=("zhuo2024.figure-1", "zhuo2024.block-errors"),
            stored=("zhuo2024-figure-1",),
            remark="The start is not printed. The two errors that we read off the figure are met within a factor "
            "of about two. The step is ten times that of the theorem.",
        ),
        Experiment(
            "Figure 2",
            "The norms of the blocks for k = 4 and 3, from a near start and from a random one.",
            "reproduced",
            claims=("zhuo2024.figure-2", "zhuo2024.block-errors"),
            stored=("zhuo2024-figure-2",),
            remark="The starts are not printed.",
        ),
    ),
)
