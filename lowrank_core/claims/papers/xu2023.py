"""Xu, Shen, Chi and Ma (2023): damped preconditioning from a small start."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="xu2023",
    authors="Xu, Shen, Chi and Ma",
    year=2023,
    title="The Power of Preconditioning in Overparameterized Low-Rank Matrix Sensing",
    arxiv="2302.01186",
    doi="10.48550/arXiv.2302.01186",
    versions="the conference's (2023), a revision of May 2023, and later ones on arXiv, which add noise; "
    "theorems are of the revision",
    read="The whole text of the revision of May 2023; of the later versions the abstract.",
    says=(
        Said(
            "From a small start ScaledGD(λ) reaches a constant linear rate after a number of iterations that "
            "is logarithmic in the condition number and in the dimension; gradient descent needs a power of the "
            "condition number.",
            "abstract; Theorem 2",
            answers=("xu2023.condition-number", "xu2023.role-of-damping"),
            remark="The theorem is about isometry constants far smaller than those of any run here, and about "
            "damping within a window of a constant times σ_r. The dimension is not varied.",
        ),
        Said(
            "For k > r the error is at most α^(1/3) times a power of the norm at some time, and stays so "
            "until an upper time, after which nothing is said: one stops early.",
            "Theorem 2 and its proof; Remark 4",
            answers=("xu2023.early-stopping", "xu2023.floor-and-isometry", "xu2023.fixed-damping-law"),
            remark="The constant of the times was chosen. What a fixed damping does beyond them is the law that is "
            "tried; it does not contradict the theorem.",
        ),
        Said(
            "For k = r the error falls linearly for ever, at a fixed α.",
            "Theorem 3",
            answers=("xu2023.exact-rank",),
            remark="With the rate made exact, for a small isometry constant.",
        ),
        Said(
            "Under noise the error is minimax up to a factor of the condition number, at the same speed; the "
            "truth may be of approximately low rank.",
            "abstract of the later version",
            answers=("xu2023.figure-4",),
            remark="The size of the error, at one condition number and one search rank. The factor, the speed and "
            "truths of approximately low rank are not tried.",
        ),
    ),
    experiments=(
        Experiment(
            "Figure 1",
            "ScaledGD(λ) against gradient descent for κ = 9, 25, 49; n = 150, r = 3, k = 5, m = 10nr.",
            "reproduced",
            claims=("xu2023.figure-1",),
            stored=("xu2023-figure-1",),
            remark="λ, α and the spectrum are not printed. The step of gradient descent is tuned in the figure, "
            "and 0.3 here.",
        ),
        Experiment(
            "Figure 2",
            "The floor against α, of slope about one; the same sizes.",
            "reproduced",
            claims=("xu2023.figure-2",),
            stored=("xu2023-figure-2",),
            remark="Which damping the figure has is not printed. With σ_r the slope is near one at a smaller "
            "size, and a little below at that of the figure; with a tenth of it there is none.",
        ),
        Experiment(
            "Figure 3",
            "PrecGD against ScaledGD(λ) for k = 3, 5, 10 and 20.",
            "not reproduced",
            claims=("xu2023.figure-3", "zhang2025.race-search-rank"),
            stored=("xu2023-figure-3",),
            remark="ScaledGD(λ) is ahead and does not feel k, as shown; that PrecGD breaks down at k = 20 does "
            "not come out. Its start and damping are not printed.",
        ),
        Experiment(
            "Figure 4",
            "The error under noise, for levels from 10⁻² to 10⁻⁸.",
            "reproduced",
            claims=("xu2023.figure-4",),
            stored=("xu2023-figure-4",),
            remark="λ, α and the spectrum are not printed.",
        ),
    ),
)
