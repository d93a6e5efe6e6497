"""Ma and Fattahi (2023): the sub-gradient method on the ℓ1 loss, from a small start, with noise and excess rank."""

from lowrank_core.claims.papers.paper import Experiment, Paper, Said

PAPER = Paper(
    key="ma2023",
    authors="Ma and Fattahi",
    year=2023,
    title="Global Convergence of Sub-gradient Method for Robust Matrix Recovery: Small Initialization, Noisy "
    "Measurements, and Over-parameterization",
    arxiv="2202.08788",
    doi="10.48550/arXiv.2202.08788",
    versions="the journal's version (JMLR 24, number 96, 2023), whose pages are cited; it replaces "
    "arXiv:2102.02969",
    read="The main text in full, and the proofs about the expected loss. The appendices B.2, D, E and F were "
    "not re-proved. Of arXiv:2102.02969 the abstract.",
    seed=True,
    says=(
        Said(
            "From a small start the sub-gradient method does not feel that the rank is over-estimated, nor the "
            "noise.",
            "abstract",
            answers=(
                "ma2023.search-rank-independence",
                "ma2023.gaussian-noise-search-rank",
                "ma2023.any-corruption-level",
            ),
        ),
        Said(
            "The small start removes the effect of over-parameterisation on the rate, which is exponentially "
            "better.",
            "abstract",
            answers=("ma2023.time-in-log-alpha", "ma2023.residual-is-the-floor"),
            remark="Down to a floor that the start scale sets; with k = r there is no floor.",
        ),
        Said(
            "It converges to the truth under noise of any size and any density, outliers and Gaussian noise "
            "alike.",
            "abstract",
            answers=(
                "ma2023.any-corruption-level",
                "ma2023.magnitude-independence",
                "ma2023.mixed-noise",
                "ma2023.gaussian-noise-scaling",
            ),
            remark="Any density means any share p < 1 of outliers that do not look at the measurements, and "
            "the number of measurements grows like 1/(1 − p)². Under Gaussian noise it is convergence up to a "
            "statistical error.",
        ),
        Said(
            "It does so even where the truth is not a global minimum of the loss.",
            "abstract",
            answers=("ma2023.truth-is-not-a-minimum", "ma2023.figure-2"),
        ),
        Said(
            "Sign-RIP bounds how far the sub-differential of the ℓ1 loss is from that of an expected loss.",
            "abstract; Definition 7, p. 12",
            answers=(
                "ma2023.scaling-function",
                "ma2023.scaling-function-proof",
                "ma2023.sign-rip-deviation",
                "ma2023.sign-rip-at-paper-size",
            ),
            remark="At the size of the paper's figures Sign-RIP is far from met, so that they illustrate its "
            "theorems.",
        ),
        Said(
            "With Gaussian measurements, their number does not depend on the search rank.",
            "abstract; Corollary 28",
            answers=("ma2023.sample-complexity", "ma2023.search-rank-success"),
            remark="The bound is not in doubt; the number that is really needed grows somewhat with the search "
            "rank.",
        ),
        Said(
            "Restricted isometry does not control the gradient of the ℓ2 loss under outliers.",
            "Proposition 5, p. 11",
            answers=("ma2023.l2-gradient-uncontrolled",),
        ),
        Said(
            "With outliers the ℓ2 loss fails.",
            "Table 1, p. 8",
            answers=("ma2023.l1-against-l2",),
        ),
        Said(
            "Outliers may have any law of mean zero.",
            "Definition 8, p. 12",
            answers=("ma2023.magnitude-independence", "ma2023.dependent-corruption"),
            remark="The mean need not vanish; that outliers do not look at the measurements is needed.",
        ),
        Said(
            "Under outliers, Sign-RIP of rank k holds once m ≳ nk log²m log(R/ζ)/((1 − p)²δ±²).",
            "Theorem 10, p. 13",
            answers=("ma2023.sign-rip-deviation",),
            remark="The theorem bounds the supremum over X as well; the law that is measured is that of a "
            "fixed X.",
        ),
        Said(
            "Under Gaussian noise of standard deviation ν it holds once m ≳ ν²nk log²m log(R/ζ)/(ζ²δ±²).",
            "Theorem 11, p. 13",
            answers=("ma2023.sign-rip-gaussian-noise",),
            remark="The dependence on the size of the error, at a fixed X; the supremum over X, the "
            "logarithms and the probability are not tried.",
        ),
        Said(
            "Under Sign-RIP without noise, (1 − δ±)φ‖E‖_F ≤ f ≤ (1 + δ±)φ‖E‖_F.",
            "Lemma 12",
            answers=("ma2023.loss-within-sign-rip",),
            remark="At each matrix, with the δ± of that matrix, which is exact; the supremum over all is "
            "not known.",
        ),
        Said(
            "Where δ± < 2/(1 + 5√k) and ‖E‖ ≥ 4ε, the norm of the sub-gradient estimates the step.",
            "Lemma 13",
            remark="no claim tries the estimate. What is tried, by ma2023.step-estimate-hypothesis, is its "
            "hypothesis, which is not met at the size of the figures.",
        ),
        Said(
            "Without noise the expected ℓ1 loss is √(2/π)‖XXᵀ − M*‖_F.",
            "Lemma 15",
            answers=("ma2023.expected-loss", "ma2023.expected-loss-proof"),
        ),
        Said(
            "One step on the expected loss raises the smallest signal by at least a factor, for η ≲ 1/σ₁.",
            "Proposition 16, eq. (16), p. 17",
            answers=("ma2023.one-step-inequalities",),
            questioned=("ma2023.one-step-counterexample",),
            remark="As printed it is off by a term of second order in η.",
        ),
        Said(
            "The same step contracts the error of the signal and the cross term, and lets the residual not "
            "grow.",
            "Propositions 16 and 17, eqs. (17) to (20), pp. 17–18",
            answers=("ma2023.one-step-inequalities", "ma2023.residual-inequality"),
            remark="For steps up to 0.45/σ₁; the constant in η ≲ 1/σ₁ is not printed.",
        ),
        Said(
            "On the expected loss the error is of the order α² after a time of the order log(1/α), and then "
            "falls sublinearly.",
            "Theorem 18, p. 18",
            answers=("ma2023.expected-loss-recovery",),
        ),
        Said(
            "Eigenvalues are learnt one after the other.",
            "pp. 16–18",
            answers=("ma2023.incremental-learning",),
        ),
        Said(
            "The same three phases on the empirical loss, step by step.",
            "Propositions 19 to 21 and 24 to 26",
            answers=("ma2023.residual-is-the-floor",),
            remark="Only the picture that they give of the residual is tried, not the inequalities.",
        ),
        Said(
            "The spectral start is within a factor 2δ± of a multiple of the truth, without noise.",
            "Lemma 33, p. 34; Algorithm 2, p. 21",
            answers=("ma2023.spectral-initialisation", "ma2023.clipping-halves-the-rank"),
        ),
        Said(
            "Without noise, with m ≳ κ⁴nr² measurements up to logarithms, the error reaches α^(2 − O(√(1/m))) "
            "after a time of the order log(1/α), for every search rank.",
            "Theorem 22 and Corollary 23, pp. 22–23",
            answers=(
                "ma2023.noiseless-recovery",
                "ma2023.time-in-log-alpha",
                "ma2023.alpha-exponent",
                "ma2023.step-threshold",
            ),
            remark="The condition number enters the exponent of Corollary 23 as κ⁴ and that of Corollary 28 as κ², "
            "without a comment in the paper; neither is tried.",
        ),
        Said(
            "With any share p < 1 of outliers, geometric steps reach nα^(2 − O(·)), with m ≳ κ⁴nr²/(1 − p)² up "
            "to logarithms.",
            "Theorem 2; Theorem 27, p. 25; Corollary 28",
            answers=(
                "ma2023.any-corruption-level",
                "ma2023.sample-complexity",
                "ma2023.search-rank-success",
            ),
            remark="The price 1/(1 − p)² is really paid; the factors κ⁴ and r² are not tried.",
        ),
        Said(
            "Under Gaussian noise the squared error is at most of the order ν²κ⁴nr²/m up to logarithms.",
            "Theorem 3 and Corollary 29",
            answers=(
                "ma2023.gaussian-noise-scaling",
                "ma2023.gaussian-noise-rank",
                "ma2023.gaussian-noise-search-rank",
            ),
            remark="The exponents of ν and m are met; in r the bound is not tight.",
        ),
        Said(
            "Gross outliers and Gaussian noise together change constants only.",
            "Remark 30, p. 26",
            answers=("ma2023.mixed-noise",),
        ),
        Said(
            "No early stopping is needed: further steps do no harm.",
            "p. 25",
            answers=("ma2023.decaying-step",),
        ),
        Said(
            "A decay ρ closer to 1 only slows the method down.",
            "p. 25, after Theorem 27",
            answers=("ma2023.budget-window",),
            remark="It is a remark under Sign-RIP, so about large m; there it holds.",
        ),
        Said(
            "A product of factors 1 + aρᵗ is bounded on both sides.",
            "Lemma 37, appendix",
            answers=("ma2023.product-bound",),
        ),
        Said(
            "For outliers of mean zero the sub-gradient points along the error on average, with the factor φ.",
            "Lemma 46, p. 43",
            answers=("ma2023.scaling-function", "ma2023.scaling-function-proof"),
            remark="The exponent there lacks a square, a misprint; the mean need not vanish.",
        ),
        Said(
            "The performance does not depend on the search rank.",
            "Property 1, p. 4: read off simulations, not a theorem",
            answers=(
                "ma2023.paper-search-ranks",
                "ma2023.search-rank-independence",
                "ma2023.exact-rank-has-no-floor",
            ),
            remark="With k = r the error falls to rounding; from k = r + 1 on a floor stays, which a tiny "
            "start hides.",
        ),
        Said(
            "It converges linearly to an error proportional to the norm of the start.",
            "Property 2: read off simulations, not a theorem",
            answers=("ma2023.floor-against-alpha",),
            questioned=("ma2023.alpha-exponent",),
            remark="The exponent depends on m: less than one at the size of the figure, also as we read it off "
            "there, and on its way to two for more measurements.",
        ),
        Said(
            "A small start finds the truth where another point has a smaller loss.",
            "Property 3, pp. 4–5: read off simulations, not a theorem",
            answers=("ma2023.truth-is-not-a-minimum", "ma2023.exact-rank-no-lower-value"),
        ),
        Said(
            "The truth is then a local solution whose value is not the best.",
            "p. 5",
            answers=("ma2023.exact-rank-truth-is-sharp",),
            questioned=("ma2023.every-local-minimum-is-global",),
            remark="The search rank behind the sentence is not stated. With k = r the truth is often a sharp "
            "local minimum; with k = n columns no local minimum has a value that is not the best.",
        ),
        Said(
            "The number of iterations is logarithmic in the accuracy, and free of the search rank.",
            "Table 1, p. 8",
            answers=("ma2023.iterations-to-accuracy", "ma2023.time-in-log-alpha"),
        ),
        Said(
            "A small random start should do as well as the spectral one.",
            "section 5, p. 27: a conjecture",
            answers=("ma2023.random-start-as-good",),
        ),
        Said(
            "For a truth of rank one nothing is critical but points near the truth and near zero.",
            "abstract of arXiv:2102.02969, which the paper replaces",
            "restated",
            answers=("ma2023.rank-one-landscape",),
            remark="Tried for the expected loss; the statement is about the empirical one.",
        ),
    ),
    experiments=(
        Experiment(
            "Figure 1a, p. 4",
            "Search ranks 3, 4, 10 and 20; n = 20, r = 3, m = 500, a tenth of outliers.",
            "reproduced",
            claims=("ma2023.paper-search-ranks",),
            stored=("ma2023-figure-1a",),
            remark="α, the step and its decay are not printed.",
        ),
        Experiment(
            "Figure 1b, p. 4",
            "Shares 0, 0.2, 0.4 and 0.6 of outliers N(0, 100); n = k = 20, r = 3, m = 500.",
            "reproduced",
            claims=("ma2023.paper-outlier-levels",),
            stored=("ma2023-figure-1b",),
            remark="The spectrum, the step and its decay are not printed.",
        ),
        Experiment(
            "Figure 1c, p. 4",
            "Starts of scale 1, 10⁻⁵, 10⁻¹⁰ and 10⁻¹⁵, and the floor that each leaves; n = 20, r = 3, m = 500.",
            "reproduced",
            claims=("ma2023.floor-against-alpha",),
            stored=("ma2023-figure-1c",),
            remark="The step and its decay are not printed.",
        ),
        Experiment(
            "Figure 2, p. 5",
            "Error and loss of a start of scale 10⁻¹⁵ against those of a start of scale 1.",
            "in kind",
            claims=("ma2023.figure-2",),
            stored=("ma2023-figure-2",),
            remark="m, the outliers and the search rank are not printed, and were chosen to match the plot.",
        ),
        Experiment(
            "Figure 3",
            "Gaussian noise: sub-gradient method against gradient descent, and the scale of the start; n = 20.",
            "reproduced",
            claims=("ma2023.figure-3",),
            stored=("ma2023-figure-3",),
            remark="The noise was chosen to fit the two errors of panel a; the starts here are random.",
        ),
        Experiment(
            "Figure 4",
            "A sketch of how the number of measurements trades against the noise.",
            "not run",
            remark="it is a drawing, not a run.",
        ),
        Experiment(
            "Figures 5 and 6",
            "Signal, cross term and residual on the expected loss; n = k = 20, rank 3.",
            "reproduced",
            claims=("ma2023.expected-loss-recovery",),
            stored=("ma2023-figure-5",),
            remark="The spectrum, the step and α are not printed; they were read off the plots.",
        ),
        Experiment(
            "Figure 7",
            "The residual in its two parts, inside and outside the row space of the signal; n = 20, r = 3, m = "
            "500.",
            "reproduced",
            claims=("ma2023.residual-is-the-floor",),
            stored=("ma2023-figure-7",),
            remark="The spectrum, the step and α are not printed; they were read off the plots.",
        ),
    ),
)
