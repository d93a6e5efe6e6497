"""Zhang, Sojoudi and Lavaei (2019): the sharp constant for rank one, and a local guarantee."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="zhang2019",
    authors="Zhang, Sojoudi and Lavaei",
    year=2019,
    title="Sharp Restricted Isometry Bounds for the Inexistence of Spurious Local Minima in Nonconvex Matrix "
    "Recovery",
    arxiv="1901.01631",
    doi="10.48550/arXiv.1901.01631",
    versions="the journal's version (JMLR 20, number 114, 2019), whose pages are cited",
    read="The whole text.",
    says=(
        Said(
            "For a truth of rank one, δ < 1/2 is necessary and sufficient for recovery from any start.",
            "abstract; Theorem 3, p. 3",
            answers=("zhang2025.exact-threshold", "zhang2025.example-1", "zhang2025.sufficiency"),
        ),
        Said(
            "From a point with f(x₀) < (1 − δ)²f(0), any descent to second-order points recovers the truth.",
            "abstract; Corollary 5, p. 4",
            answers=(
                "zhang2019.sharp-level",
                "zhang2019.descent-inside",
                "zhang2019.threshold-curve",
                "zhang2019.corollary-5-route",
            ),
            remark="The result is right, and a larger level is proved here; two steps of its printed proof do "
            "not follow.",
        ),
        Said(
            "In a ball around the truth there is no spurious local minimum, under a condition on δ and its "
            "radius.",
            "Theorem 4, p. 4",
            answers=("zhang2019.local-ball",),
        ),
        Said(
            "The smallest constant that hides a given point is the value of a semidefinite program.",
            "Theorem 8, p. 11",
            answers=("zhang2019.exact-constant", "zhang2025.threshold-by-program"),
        ),
        Said(
            "A closed form bounds that constant from below.",
            "Theorem 12, p. 17",
            answers=("zhang2019.theorem-12", "zhang2025.formula-below-program"),
        ),
    ),
    experiments=(
        Experiment(
            "Figure 1",
            "A map of the smallest constant over the points of a plane, for rank one.",
            "in kind",
            claims=("zhang2019.exact-constant",),
            remark="From the closed form, where the paper solves the program.",
        ),
        Experiment(
            "Figure 2",
            "Its distribution over 10⁴ random pairs, for ranks one, two and three.",
            "in kind",
            claims=("zhang2019.exact-constant",),
            remark="For rank one. That the smallest values for ranks two and three lie above 1/2 says "
            "something about sampling, as the exact threshold is 1/2 for all of them.",
        ),
    ),
)
