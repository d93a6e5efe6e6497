"""Xiong, Ding and Du (2024): what over-parameterisation costs, and what symmetry and the start do to it."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="xiong2024",
    authors="Xiong, Ding and Du",
    year=2024,
    title="How Over-Parameterization Slows Down Gradient Descent in Matrix Sensing: The Curses of Symmetry and "
    "Initialization",
    arxiv="2310.01769",
    doi="10.48550/arXiv.2310.01769",
    versions="the conference's version (2024) and the third on arXiv, whose abstracts differ in one sentence, "
    "on k = r",
    read="The abstracts of both versions, the public reviews and the discussion there, and two restatements in "
    "later work. No theorem was read: thresholds, constants and burn-in times are unknown to us, and the form "
    "of a result is all that is attributed to the paper.",
    seed=True,
    says=(
        Said(
            "On XXᵀ with k > r columns, from a random start, the squared error of gradient descent after T "
            "steps is at least of the order 1/T².",
            "abstract",
            answers=(
                "xiong2024.symmetric-lower-bound",
                "xiong2024.symmetric-lower-bound-sensing",
                "xiong2024.flow-eigenvalue-lower-bound",
                "xiong2024.gd-eigenvalue-lower-bound",
            ),
            remark="Under sensing the bound is tried for Gaussian measurements whose isometry constant is not "
            "small.",
        ),
        Said(
            "With k = r columns the error on XXᵀ falls like exp(−Ω(T)).",
            "abstract",
            answers=("xiong2024.exact-rank-linear",),
        ),
        Said(
            "On FGᵀ with k = r gradient descent from a random start converges to the truth, globally, like "
            "exp(−Ω(T)).",
            "abstract",
            answers=("xiong2024.asymmetric-exact-rank",),
            remark="The conference's version calls the result the first of its kind; the third version builds "
            "on prior work.",
        ),
        Said(
            "On FGᵀ with k > r it converges to the truth as well, globally, like exp(−Ω(α²T)), α the scale of "
            "the start.",
            "abstract",
            answers=(
                "xiong2024.imbalance-sets-the-rate",
                "xiong2024.imbalance-sets-the-rate-sensing",
                "xiong2024.interlacing",
            ),
        ),
        Said(
            "So two factors on a symmetric problem turn the rate 1/T² into a linear one.",
            "abstract",
            answers=("xiong2024.symmetric-against-asymmetric",),
        ),
        Said(
            "What makes it fast is the imbalance between F and G, where earlier work asks for balance.",
            "abstract",
            answers=(
                "xiong2024.balance-is-sublinear",
                "xiong2024.equal-scales-are-not-balance",
                "xiong2024.crossover-curve",
                "xiong2024.rate-at-most-imbalance",
            ),
        ),
        Said(
            "An example shows that the rate has to depend on α in the worst case.",
            "abstract",
            answers=("xiong2024.rate-at-most-imbalance",),
            remark="The paper's example was not read; here the dependence is proved for every start of the "
            "population loss whose factors do not fill their rows.",
        ),
        Said(
            "A method that changes a single step of gradient descent converges at a rate free of α.",
            "abstract",
            answers=(
                "xiong2024.rebalanced-rate",
                "xiong2024.rebalanced-rate-sensing",
                "xiong2024.rebalanced-beta-sweep",
            ),
        ),
        Said(
            "That rate is the one of k = r.",
            "abstract",
            answers=("xiong2024.rebalanced-rate", "xiong2024.rebalanced-best-step"),
            remark="At equal step size, and in the order of magnitude that the abstract speaks of. Each method "
            "at the best of its own steps, k = r is faster.",
        ),
        Said(
            "The linear rate is governed by the spectrum of the imbalance Δ = FᵀF − GᵀG.",
            "public reviews",
            "restated",
            answers=(
                "xiong2024.local-rate",
                "xiong2024.interlacing",
            ),
        ),
        Said(
            "The starts of F and G have the scales α and α/3.",
            "public reviews",
            "restated",
            answers=("xiong2024.ratio-of-scales", "xiong2024.equal-scales-are-not-balance"),
        ),
        Said(
            "A toy problem shows the mechanism.",
            "section 4.1, by the public reviews",
            "restated",
            answers=(
                "xiong2024.toy-closed-form",
                "xiong2024.toy-gradient-descent",
                "xiong2024.toy-drift-certified",
            ),
            remark="Its numbers were not read; the closed form is ours.",
        ),
        Said(
            "The changed step, eq. (5.1), is taken once the iterate is close enough to the truth.",
            "public reviews",
            "restated",
            answers=("xiong2024.rebalancing-identity", "xiong2024.early-switch"),
            remark="No source that we can show prints the formula of the step: the one tried here leaves FGᵀ "
            "as it is and makes F an isometry times β. On the population loss it need not wait.",
        ),
        Said(
            "The larger α, the faster.",
            "Figure 2, as the public discussion reads it",
            "restated",
            answers=("xiong2024.ratio-of-scales",),
            questioned=("xiong2024.alpha-turning-point", "xiong2024.no-scale-beats-exact-rank"),
            remark="True up to a turning point; the values of α in the figure were not readable, and may lie "
            "below it.",
        ),
        Said(
            "The bound 1/T² is attained.",
            "attributed by the introduction to Zhuo et al.",
            "restated",
            answers=("xiong2024.symmetric-upper-bound",),
        ),
        Said(
            "The lower bound holds for k above a threshold that depends on α, and after a burn-in.",
            "public reviews",
            "restated",
            remark="neither the threshold nor the burn-in was read. The bounds tried here need k > r only.",
        ),
        Said(
            "Gradient descent takes κ¹¹ log(κ²/n) + κ¹⁰ log(κ⁶/ε) iterations, in order of magnitude.",
            "a table of Jia et al. (2024)",
            "restated",
            remark="it is an upper bound as others quote it, without the setting in which it holds.",
        ),
    ),
    experiments=(
        Experiment(
            "Figures 1 and 2",
            "Error against iterations for symmetric and asymmetric descent and for the changed method; 50 × "
            "50, rank 3.",
            "in kind",
            claims=("xiong2024.paper-experiment",),
            stored=("xiong2024-figure",),
            remark="Only the size and the rank are reported. The search rank k = 5, the starts and the steps "
            "are ours, so the order of the curves can be compared, and nothing else.",
            known="restated",
        ),
    ),
)
