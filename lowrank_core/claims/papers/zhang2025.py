"""Zhang (2021/2025): sharp thresholds on the isometry constant, noise, accuracy and balancing."""

from lowrank_core.claims.papers.paper import Paper, Said

PAPER = Paper(
    key="zhang2025",
    authors="Zhang",
    year=2025,
    title="Sharp Global Guarantees for Nonconvex Low-rank Recovery in the Noisy Overparameterized Regime",
    arxiv="2104.10790",
    doi="10.48550/arXiv.2104.10790",
    versions="three on arXiv: the first two of 2021, “Sharp Global Guarantees for Nonconvex Low-Rank Matrix "
    "Recovery in the Overparameterized Regime”, without noise; the third of May 2025 under the title above",
    read="The abstracts of all versions, and public summaries. No theorem, constant or proof of it was read, "
    "nor the weight of its regulariser; the proofs in this book are its own.",
    seed=True,
    says=(
        Said(
            "Searching with more columns than the true rank can remove all spurious local minima where "
            "searching with the true rank does not.",
            "abstract of the first version",
            answers=("zhang2025.search-rank-rescues", "zhang2025.order-grows-with-search-rank"),
            remark="For an operator whose constant is the same at every order. The order of the constant rises "
            "with the search rank, so that a larger one can also lose the guarantee.",
        ),
        Said(
            "δ < 1/(1 + √(r/k)) suffices for the inexistence of spurious local minima.",
            "abstract of the first version",
            answers=(
                "zhang2025.sufficiency",
                "zhang2025.exact-threshold",
                "zhang2025.threshold-by-program",
                "zhang2025.threshold-proof-steps",
                "zhang2025.threshold-multipliers",
            ),
            remark="For n < k + r the threshold is larger.",
        ),
        Said(
            "δ < 1/(1 + 1/√(k − r + 1)) is necessary, by counterexamples.",
            "abstract of the first version",
            answers=(
                "zhang2025.second-order-from-the-threshold",
                "zhang2025.planted-family",
                "zhang2025.below-the-published-bound",
            ),
            remark="It is not the best necessary bound for 2 ≤ r < k, where counterexamples reach down to the "
            "sufficient one; the third version may have the same.",
        ),
        Said(
            "With no control over r ≤ k, δ < 1/2 is necessary and sufficient.",
            "abstract of the first version",
            answers=("zhang2025.exact-threshold", "zhang2025.threshold-map", "zhang2025.example-1"),
        ),
        Said(
            "If r = 1 is known, the sharp threshold is 1/(1 + 1/√k).",
            "abstract of the first version",
            answers=("zhang2025.exact-threshold", "zhang2025.second-order-from-the-threshold"),
        ),
        Said(
            "Even if all local minima are global, algorithms can be trapped at nonstrict saddles, approximate "
            "second-order points of arbitrarily small negative curvature.",
            "abstract of the third version",
            answers=(
                "zhang2025.quartic-escape",
                "zhang2025.escape-time",
                "zhang2025.trapped-fraction",
                "zhang2025.unbalanced-stall",
            ),
        ),
        Said(
            "One proof technique unifies escape directions and the inexistence of counterexamples.",
            "abstract of the third version",
            answers=("zhang2025.threshold-multipliers", "zhang2025.valid-inequality"),
            remark="The paper's proof was not read. Here the multipliers of the program for counterexamples "
            "are written down from an escape direction.",
        ),
        Said(
            "Once slight over-parameterisation has made local minima global, points near second order reach "
            "the minimax-optimal error under noise up to small constants, as convex methods do.",
            "abstract of the third version",
            answers=(
                "zhang2025.near-second-order",
                "zhang2025.second-order-noise",
                "zhang2025.gaussian-noise",
            ),
            remark="The constants are derived here; no convex method is run beside it.",
        ),
        Said(
            "The results are sharp in the level of the noise.",
            "abstract of the third version",
            answers=("zhang2025.noise-bound", "zhang2025.noise-nearly-tight"),
            remark="An earlier bound by other authors is compared with ours in zhang2025.earlier-noise-bound.",
        ),
        Said(
            "They are sharp in the accuracy of the solution.",
            "abstract of the third version",
            answers=("zhang2025.accuracy-witness", "zhang2025.accuracy-along-descent"),
        ),
        Said(
            "They hold for XXᵀ, and for UVᵀ with a balancing regulariser.",
            "abstract of the third version",
            answers=(
                "zhang2025.balanced-noise-bound",
                "zhang2025.balanced-pair-steps",
                "zhang2025.critical-points-balanced",
                "zhang2025.lift",
                "zhang2025.same-counterexamples",
            ),
            remark="The weight of the paper's regulariser is unknown to us.",
        ),
        Said(
            "The balancing regulariser is necessary.",
            "abstract of the third version",
            answers=(
                "zhang2025.unbalanced-near-second-order",
                "zhang2025.exact-points-need-no-balance",
            ),
            remark="Necessary for points near second order; the exact second-order points are the same without "
            "it.",
        ),
        Said(
            "Strong duality links counterexamples and escape directions.",
            "a public summary",
            "restated",
            answers=("zhang2025.threshold-multipliers",),
        ),
    ),
)
