"""Tong, Ma and Chi (2021): ScaledGD, whose rate does not know the condition number."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="tong2021",
    authors="Tong, Ma and Chi",
    year=2021,
    title="Accelerating Ill-Conditioned Low-Rank Matrix Estimation via Scaled Gradient Descent",
    arxiv="2005.08898",
    doi="10.48550/arXiv.2005.08898",
    versions="the journal's version (JMLR 22, number 150, 2021), whose pages are cited",
    read="The whole text; what it says of robust principal components and of completion is outside this book.",
    says=(
        Said(
            "ScaledGD converges linearly at a rate free of the condition number, for sensing and other "
            "problems.",
            "abstract; Theorem 3, p. 8",
            answers=("tong2021.sensing", "tong2021.iterations", "tong2021.local-rate"),
            remark="For sensing. Robust principal components and completion are not tried.",
        ),
        Said(
            "It depends on the product of the factors alone.",
            "introduction, p. 4",
            answers=("tong2021.covariance",),
        ),
        Said(
            "With all entries observed and a near start it contracts by 1 − 0.7η, for η ≤ 2/3.",
            "Theorem 13, p. 14",
            answers=("tong2021.factorisation",),
        ),
        Said(
            "Under restricted isometry with δ ≤ 0.02 a near step contracts by 1 − 0.6η.",
            "Lemma 14, p. 14",
            answers=("tong2021.sensing",),
            remark="Its second bound, of the error by 1.5 times the distance, is not tried.",
        ),
        Said(
            "The spectral start is within 5δ√r κσ_r of the truth.",
            "Lemma 15, p. 14",
            answers=("tong2021.spectral-start",),
        ),
    ),
    experiments=(
        Experiment(
            "Figure 2a, p. 17",
            "Iterations for κ = 1, 5, 10 and 20; n = 200, r = 10, m = 5nr, η = 1/2.",
            "in kind",
            claims=("tong2021.iterations",),
            remark="At small sizes.",
        ),
        Experiment(
            "Figure 2c, p. 17",
            "Completion for κ = 1, 5, 10 and 20; n = 1000, r = 10, a fifth of the entries.",
            "reproduced",
            claims=("tong2021.figure-2c",),
            stored=("tong2021-figure-2c",),
            remark="With random singular vectors in place of those of a matrix of signs.",
        ),
        Experiment(
            "Figure 3",
            "Noise of 40, 60 and 80 dB at κ = 10.",
            "reproduced",
            claims=("tong2021.figure-3",),
            stored=("tong2021-figure-3",),
            remark="The panel on completion. That on sensing, with 10000 matrices of order 200, would take an hour "
            "or two of one core.",
        ),
        Experiment(
            "Figure 4",
            "Steps from 0.1 to 1.2, for completion.",
            "not reproduced",
            claims=("tong2021.figure-4",),
            stored=("tong2021-figure-4",),
            remark="For κ up to 5 the best step is 0.7, as in the figure, which has 0.7 to 0.75 for every κ. At "
            "κ = 20 and its size it is 0.5 here. Singular vectors are random in place of those of a matrix of "
            "signs.",
        ),
    ),
)
