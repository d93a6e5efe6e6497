"""Zhang, Fattahi and Zhang (2023): preconditioned gradient descent, and certificates by rank deficiency."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="zhang2023",
    authors="Zhang, Fattahi and Zhang",
    year=2023,
    title="Preconditioned Gradient Descent for Overparameterized Nonconvex Burer–Monteiro Factorization with "
    "Global Optimality Certification",
    arxiv="2206.03345",
    doi="10.48550/arXiv.2206.03345",
    versions="the journal's version (JMLR 24, number 163, 2023), whose pages are cited",
    read="The whole text. Of the conference paper on the same method (2021, arXiv:2504.09708) the abstract, "
    "which is about noise as well.",
    says=(
        Said(
            "A second-order point that is rank deficient besides is globally optimal.",
            "abstract; Proposition 10, p. 13",
            answers=("zhang2023.certificate",),
        ),
        Said(
            "To certify in this way one has to search with more columns than the true rank.",
            "abstract",
            answers=("zhang2023.certificate-exponent",),
            remark="With k = r, its control, the certificate does not go to zero.",
        ),
        Said(
            "With more columns than the true rank gradient descent slows down from linear to sublinear.",
            "abstract",
            answers=("xiong2024.symmetric-lower-bound", "xiong2024.exact-rank-linear"),
            remark="By the claims about the paper of Xiong, Ding and Du.",
        ),
        Said(
            "A cheap preconditioner makes it linear again, whatever the condition number of the minimiser.",
            "abstract; Theorem 4, p. 9",
            answers=("zhang2023.decrease", "zhang2023.local-rates", "zhang2023.damping-needed"),
        ),
        Said(
            "This holds within the radius f ≤ μ/(2(1 + μ/L))·λ²/2.",
            "Theorem 4 and Corollary 5, p. 9",
            questioned=("zhang2023.printed-radius",),
            remark="With the radius of Lemma 24, on which the proof rests, it is not in doubt.",
        ),
        Said(
            "The damping lies between fixed multiples of the error.",
            "Corollary 5, p. 9",
            answers=("zhang2023.damping-follows-error",),
        ),
        Said(
            "To certify n digits takes about 2n digits.",
            "p. 39",
            answers=("zhang2023.certificate-exponent",),
        ),
        Said(
            "From a perturbed preconditioned method one obtains second-order points in polynomial time, and "
            "then local convergence.",
            "Theorem 8 and Corollary 9, pp. 11–12",
            remark="its constants are not explicit enough to try.",
        ),
        Said(
            "Near the optimum λ_min(∇²f) ≥ −L₁ε, where f − f* ≤ με²/2.",
            "Corollary 13, p. 14",
            questioned=("zhang2023.corollary-13",),
            remark="With −2L₁ε it holds, and is attained; its other two inequalities are not tried.",
        ),
        Said(
            "A spurious second-order point has λ_min(ZᵀZ) above an explicit level.",
            "Corollary 14, p. 14",
            remark="no claim searches for a point that violates it.",
        ),
    ),
    experiments=(
        Experiment(
            "Figures 1 and 3",
            "Convergence and breakdown for k = 2 and 4; n = 4, r = 2, a step of 2·10⁻².",
            "in kind",
            claims=("zhang2023.random-start", "zhang2023.damping-needed"),
            remark="With other operators.",
        ),
        Experiment(
            "Figure 2",
            "k = 2 and 4 for eigenvalues (1, 1) and (1, 1/5); n = 100, r = 2, m = 3nk Gaussian.",
            "not reproduced",
            claims=("zhang2023.figure-2",),
            stored=("zhang2023-figure-2",),
            remark="The right column comes out if the loss is divided by m, and not with the loss as printed. For "
            "k = 2 the two methods are as equal as in the figure, and slower.",
        ),
        Experiment(
            "Figures 4 and 5",
            "One-bit sensing and phase retrieval.",
            "not run",
            remark="they have other losses than those of this book.",
        ),
        Experiment(
            "Figures 6 and 7",
            "The certificate against the loss along the run.",
            "in kind",
            claims=("zhang2023.certificate-exponent",),
            remark="The exponent, not the curves, for which the least eigenvalue of a Hessian of order nr is "
            "needed at every record.",
        ),
    ),
)
