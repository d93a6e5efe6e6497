"""Wind (2023): gradient descent from a small start as a perturbed gradient flow."""

from lowrank_core.claims.papers.paper import Paper, Said

PAPER = Paper(
    key="wind2023",
    authors="Wind",
    year=2023,
    title="Asymmetric matrix sensing by gradient descent with small random initialization",
    arxiv="2309.01796",
    doi="10.48550/arXiv.2309.01796",
    versions="two on arXiv: the first of 2023, and the second of August 2025 under the title “Implicit "
    "Regularization Makes Overparameterized Asymmetric Matrix Sensing Robust to Perturbations”; numbers of "
    "theorems are of the second",
    read="Both abstracts and the opening of the second version. Its Theorems 2.8 and 2.9, Remark 2.6 and parts "
    "of Theorem 6.1 are known as restated in later work; of Theorem 4.3 only the time is, and of the first "
    "version no theorem at all.",
    seed=True,
    says=(
        Said(
            "Imperfect measurements, the discretisation and other noise can all be put into one perturbation "
            "of the gradient flow, and the formulation is equivalent.",
            "abstract of the second version",
            answers=(
                "wind2023.log-embedding",
                "wind2023.log-embedding-proof",
                "wind2023.discretisation-is-first-order",
                "wind2023.flow-identities",
            ),
        ),
        Said(
            "Factorised gradient descent is highly robust to certain perturbations.",
            "abstract of the second version",
            answers=(
                "wind2023.orthogonal-adversary",
                "wind2023.perturbation-threshold",
                "wind2023.residual-proportional-adversary",
                "wind2023.logarithmic-recovery",
                "wind2023.damping-adversary-harmless",
            ),
            remark="The conditions of the paper's theorem on the flow were not read; the thresholds tried here "
            "are derived.",
        ),
        Said(
            "The formulation gives sharper sample and time complexities than earlier work.",
            "abstract of the second version",
            answers=("wind2023.escape-time", "wind2023.error-against-stopping-constant"),
            remark="What is tried is the time, whose order the theorem has. Which of two sufficient conditions "
            "asks for fewer measurements is a comparison of theorems, and no run decides it.",
        ),
        Said(
            "A moderately small start is enough, where earlier work needs an extremely small one.",
            "abstract of the second version",
            answers=(
                "wind2023.condition-number-independence",
                "wind2023.large-start-interpolates",
                "wind2023.sensing-exponent",
            ),
            remark="Moderate is relative: the start allowed by Theorem 2.8, as restated, is a polynomial in "
            "the condition number and in min(n₁, n₂)/r.",
        ),
        Said(
            "The results are robust to noisy measurements.",
            "abstract of the second version",
            answers=("wind2023.noise-gain", "wind2023.tangent-gain", "wind2023.re-escape-delay"),
        ),
        Said(
            "They are robust to measurement matrices that change.",
            "abstract of the second version",
            answers=("wind2023.random-against-adversarial", "wind2023.fresh-batches-suffice"),
        ),
        Said(
            "For stochastic gradient descent with mini-batches the sample complexity is better.",
            "abstract of the second version",
            answers=("wind2023.fresh-batches-suffice", "wind2023.batch-divergence"),
            remark="Fresh batches far smaller than a fixed set recover; what makes small ones fail is the step.",
        ),
        Said(
            "The perturbed flow converges quickly to the truth whenever the perturbation is sufficiently "
            "bounded.",
            "abstract of the first version; Theorem 4.3 of the second",
            answers=("wind2023.perturbation-threshold", "wind2023.orthogonal-adversary"),
        ),
        Said(
            "Gradient descent for sensing can be reduced to it.",
            "abstract of the first version",
            answers=("wind2023.log-embedding", "wind2023.distance-to-flow", "wind2023.step-threshold"),
        ),
        Said(
            "After a time of the order ln(σ_r/a₀²)/σ_r the error is at most of the order a₀^(4/3)σ_r^(1/3) + "
            "κξ, under restricted isometry of rank r + 1 with a constant ≲ 1/(√r κ²), a small step and small "
            "noise ξ.",
            "second version, Theorem 2.8, in later work",
            "restated",
            answers=(
                "wind2023.sensing-exponent",
                "wind2023.error-against-stopping-constant",
                "wind2023.noise-gain",
                "wind2023.large-start-interpolates",
            ),
            remark="The hypothesis on the isometry constant is not met at the sizes that run; where the "
            "exponent of an instance is 4/3 or more, its operator says so.",
        ),
        Said(
            "The same for fresh Gaussian batches of the order r(n₁ + n₂)κ⁴ up to logarithms.",
            "second version, Theorem 2.9, in later work",
            "restated",
            answers=("wind2023.fresh-batches-suffice",),
            remark="The batch size of the theorem is sufficient, and far larger than those that recover.",
        ),
        Said(
            "A Gaussian start of width at least max(n₁, n₂, 2r) has bounded misalignment.",
            "second version, Remark 2.6, in later work",
            "restated",
            answers=("wind2023.misalignment",),
        ),
        Said(
            "Along the path the imbalance stays below a small constant.",
            "second version, Theorem 6.1(2), in later work",
            "restated",
            answers=("wind2023.balance-under-perturbation",),
        ),
        Said(
            "Along the path the stacked factors stay below (3/2)√‖M*‖.",
            "second version, Theorem 6.1(1), in later work",
            "restated",
            answers=("wind2023.bounded-path",),
            remark="Under conditions that are derived here, with explicit constants; those of the theorem are not "
            "known to us in full.",
        ),
    ),
)
