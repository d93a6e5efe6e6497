"""The symbols of the book, declared once: the notation page, the cards over formulas and a test use this table.

A letter of the first list has one meaning on every page. The papers behind the parts of the book have used up the
alphabet several times over; a letter of the second list is defined on the pages that are named with it, and has one
meaning on each of them. Letters in neither list are explained in the sentence in which they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

X, M, W, Z = "chapters/xiong2024/", "chapters/ma2023/", "chapters/wind2023/", "chapters/zhang2025/"
SLOWDOWN, LINEAR, IMBALANCE, REBALANCING = (
    f"{X}symmetric-slowdown",
    f"{X}asymmetric-linear",
    f"{X}imbalance",
    f"{X}rebalancing",
)
SIGN_RIP, NOISELESS, SEARCH_RANK = f"{M}sign-rip", f"{M}noiseless", f"{M}search-rank"
OUTLIERS, TRUTH, GAUSSIAN = f"{M}gross-outliers", f"{M}truth-not-a-minimum", f"{M}gaussian-noise"
FLOW, ESCAPE, BUDGET, ALIGNMENT = (
    f"{W}perturbed-flow",
    f"{W}escape-times",
    f"{W}perturbation-budget",
    f"{W}spectral-alignment",
)
SHARP, PROOF, EXAMPLES, LOCAL = (
    f"{Z}sharp-thresholds",
    f"{Z}threshold-proof",
    f"{Z}counterexamples",
    f"{Z}local-guarantee",
)
BALANCING, NOISE, PRECONDITIONING, WHICH = (
    f"{Z}balancing",
    f"{Z}noise-and-accuracy",
    f"{Z}preconditioning",
    f"{Z}which-method",
)
FIGURES = f"{Z}published-figures"


@dataclass(frozen=True)
class Symbol:
    """A letter and what it stands for.

    Attributes:
        tex: as formulas have it, without dollars.
        meaning: in plain words and signs.
        on: the pages on which it means this; the first one introduces it, and is all that a letter of the whole
            book names.
        code: what it is called in the package.
        nouns: patterns of what texts call it, right before the letter: "search rank" in "search rank $k$".
    """

    tex: str
    meaning: str
    on: tuple[str, ...]
    code: str = ""
    nouns: tuple[str, ...] = ()

    @property
    def letter(self) -> str:
        """The letter alone, without indices: r of r_0, M⋆ as a whole, since M may be any matrix."""
        return re.sub(r"_.*", "", self.tex.split(",")[0])


WHOLE_BOOK = (
    Symbol(
        r"M^\star",
        "the truth, n × n positive semidefinite or n₁ × n₂",
        (SLOWDOWN,),
        "Truth, psd, rectangular",
    ),
    Symbol("n", "order of the truth; a rectangular one is n₁ × n₂", (SLOWDOWN,), "truth.n"),
    Symbol("r", "true rank: the rank of the truth", (SLOWDOWN,), "truth.rank", (r"true rank",)),
    Symbol(
        "k",
        "search rank: the number of columns of the factors",
        (SLOWDOWN,),
        "factors.search_rank",
        (r"search ranks?",),
    ),
    Symbol(
        r"\sigma_i",
        "σ₁ ≥ … ≥ σ_r > 0, the nonzero singular values of the truth; of another matrix where it is named, σ_i(A)",
        (SLOWDOWN,),
        "truth.spectrum",
    ),
    Symbol(
        r"\kappa",
        "condition number σ₁/σ_r of the truth",
        (REBALANCING,),
        "truth.condition_number",
        (r"condition numbers?",),
    ),
    Symbol(
        r"\mathcal A",
        "measurement operator, 𝒜(M)_i = ⟨A_i, M⟩; with a star its adjoint",
        (SLOWDOWN,),
        "MeasurementOperator, operator.adjoint",
    ),
    Symbol("m", "number of measurements", (SLOWDOWN,), "operator.m", (r"number of measurements",)),
    Symbol("X", "symmetric factor, n × k, of the iterate XXᵀ", (SLOWDOWN,), "Factors(X)"),
    Symbol(
        r"\eta",
        "step size; ηT plays the part of time",
        (SLOWDOWN,),
        "GradientDescent(eta)",
        (r"step sizes?", r"steps of size"),
    ),
    Symbol(
        r"\delta",
        "constant of restricted isometry; its order is named beside it",
        (SHARP,),
        "sensing.certified, analysis.rip",
        (r"isometry constants?", r"RIP constants?"),
    ),
)
"""Letters with one meaning on every page."""

BY_PAGE = (
    Symbol(
        "F,G",
        "asymmetric factors, n₁ × k and n₂ × k, of the iterate FGᵀ",
        (LINEAR, IMBALANCE, REBALANCING, FLOW, ESCAPE, BUDGET, ALIGNMENT, PRECONDITIONING, WHICH, FIGURES),
        "Factors(F, G)",
    ),
    Symbol(
        "U,V",
        "asymmetric factors of the iterate UVᵀ, in the literature on landscapes",
        (SHARP, PROOF, BALANCING),
    ),
    Symbol(
        r"\alpha",
        "scale of the start: X₀ = α times a matrix with independent N(0, 1/n) entries",
        (
            *(SLOWDOWN, LINEAR, IMBALANCE, REBALANCING),
            *(SIGN_RIP, NOISELESS, OUTLIERS, SEARCH_RANK, GAUSSIAN, ALIGNMENT, WHICH, FIGURES),
        ),
        "gaussian_start",
    ),
    Symbol(
        "a_0",
        "scale of the start in operator norm, ‖[F₀; G₀]‖",
        (FLOW, ESCAPE, BUDGET, ALIGNMENT),
        "factors.rescaled",
    ),
    Symbol("W", "the iterate XXᵀ; λ_j(W) is its j-th largest eigenvalue", (SLOWDOWN,)),
    Symbol(
        r"\Delta",
        "imbalance of a pair of factors, FᵀF − GᵀG",
        (LINEAR, IMBALANCE, REBALANCING),
        "analysis.imbalance",
    ),
    Symbol(
        r"\Pi",
        "projector on the k − r directions of the search space that the signal leaves free",
        (SLOWDOWN, LINEAR, IMBALANCE),
        "free_directions",
    ),
    Symbol(
        r"\Pi",
        "projector by which an operator of known isometry constant differs from a multiple of I",
        (SHARP, PRECONDITIONING, WHICH),
        "sensing.certified",
    ),
    Symbol(
        r"\beta",
        "scale of the rebalanced factor, FᵀF = β²I",
        (REBALANCING, LINEAR),
        "RebalancedGradientDescent",
    ),
    Symbol(r"\beta", "exponent of the final error in the scale of the start", (SEARCH_RANK,)),
    Symbol(
        "p",
        "share of corrupted measurements",
        (SIGN_RIP, NOISELESS, OUTLIERS, SEARCH_RANK, TRUTH, GAUSSIAN),
        "noise.Outliers",
    ),
    Symbol("s", "noise added to the measurements", (SIGN_RIP, OUTLIERS), "noise"),
    Symbol(
        r"\nu",
        "standard deviation of Gaussian noise on a measurement",
        (SIGN_RIP, GAUSSIAN),
        "noise.Gaussian",
    ),
    Symbol(
        r"\delta^\pm",
        "constant of Sign-RIP; the mark tells it from the constant δ of restricted isometry",
        (SIGN_RIP,),
        "analysis.sign_rip",
    ),
    Symbol(
        r"\varphi",
        "scaling function of Sign-RIP, √(2/π) without noise",
        (SIGN_RIP, NOISELESS),
        "analysis.sign_rip",
    ),
    Symbol(
        r"\rho",
        "decay of a geometric step ηρᵗ",
        (NOISELESS, OUTLIERS, SEARCH_RANK, TRUTH, GAUSSIAN),
        "Geometric",
    ),
    Symbol(
        "S,E",
        "signal VᵀX and residual V⊥ᵀX of a symmetric factor, V the eigenvectors of the truth",
        (NOISELESS,),
        "analysis.phases",
    ),
    Symbol(
        "F,G",
        "parts of the residual E in the row space of the signal and off it",
        (NOISELESS, SEARCH_RANK),
        "analysis.phases",
    ),
    Symbol(r"\mathcal E", "perturbation of the gradient flow", (FLOW,), "methods.flow"),
    Symbol("E", "perturbation of the flow of a pair, an n₁ × n₂ matrix", (BUDGET,), "methods.flow"),
    Symbol(r"\theta", "share of the norm of the residual that an adversary spends", (BUDGET,)),
    Symbol("E", "error XXᵀ − M⋆", (SHARP, PROOF, NOISE, PRECONDITIONING)),
    Symbol(
        "d",
        "number of planted directions that X misses, min(r, n − k) at most",
        (SHARP, PROOF),
        "analysis.planted",
    ),
    Symbol("j", "number of planted directions", (EXAMPLES,), "proofs.counterexamples"),
    Symbol(
        r"\rho",
        "columns that X has to itself for each planted direction, (k − r + j)/j",
        (SHARP, PROOF, EXAMPLES),
    ),
    Symbol(
        r"\alpha",
        "share of the error that lies off the columns of X",
        (SHARP, PROOF, LOCAL),
        "analysis.sharp_threshold",
    ),
    Symbol(
        r"\beta",
        "smallest curvature of X against the error",
        (SHARP, PROOF, LOCAL),
        "analysis.sharp_threshold",
    ),
    Symbol(
        r"\psi",
        "what the threshold leaves: errors are at most noise over ψ − δ",
        (PROOF, NOISE),
        "analysis.noise_bounds",
    ),
    Symbol("N", "noise as it acts on matrices, the adjoint of 𝒜 applied to it", (PROOF, NOISE)),
    Symbol("B", "imbalance UᵀU − VᵀV, which the regulariser sees", (BALANCING,), "BalancedGradientDescent"),
    Symbol(r"\mu", "weight of the balancing regulariser", (BALANCING,), "BalancedGradientDescent"),
    Symbol(r"\mu", "least curvature of a loss in the matrix, 1 − δ; L is the largest", (PRECONDITIONING,)),
    Symbol(
        r"\alpha",
        "step of PrecGD on twice the loss of the solvers, η/2",
        (PRECONDITIONING,),
        "PreconditionedGradientDescent",
    ),
    Symbol(
        r"\lambda",
        "damping of a preconditioned step; with an index an eigenvalue",
        (PRECONDITIONING, WHICH, FIGURES),
        "ScaledGradientDescent",
    ),
)
"""Letters with one meaning on each of their pages."""

ALIASES = (r"r^\star", r"r^{\star}", r"r_\star")
"""Other names of declared symbols, which literature has and this book does not."""


def letters(tex: str) -> Iterator[str]:
    """The letters of a formula, with the marks by which declared symbols differ, without names of operators."""
    tex = re.sub(r"\\(?:text|operatorname\*?|mathrm|begin|end|label|rm)\s*\{[^{}]*\}", " ", tex)
    tex = re.sub(r"(\\\|[^|]*\\\|)_F|_F\b", r"\1", tex)
    pattern = r"M\^\{?\\star\}?|\\delta\^\{?\\pm\}?|\\mathcal\s*\{?[A-Za-z]\}?|\\[A-Za-z]+|[A-Za-z](?:_0)?"
    for found in re.findall(pattern, tex):
        plain = re.sub(r"[{}]", "", found)
        plain = re.sub(r"\\mathcal\s*", r"\\mathcal ", plain)
        yield plain if plain == "a_0" else plain.removesuffix("_0")


def here(page: str) -> list[Symbol]:
    """What the letters of a page mean, those of the whole book first."""
    return [*WHOLE_BOOK, *(symbol for symbol in BY_PAGE if page in symbol.on)]


def marks(symbol: Symbol) -> list[str]:
    """The letters of a declaration: two of "F,G"."""
    return [next(letters(part)) for part in symbol.tex.split(",")]


def double_senses(pages: dict[str, str]) -> Iterator[str]:
    """What is wrong between the table and the texts of pages, by their names, a line each.

    A letter is declared twice for one page; a text calls a symbol by another letter, or has a foreign name for it;
    a page is said to use a letter, and does not.
    """
    for page, text in pages.items():
        said: dict[str, Symbol] = {}
        used = {letter for tex in formulas(text) for letter in letters(tex)}
        for symbol in here(page):
            for letter in marks(symbol):
                if letter in said:
                    yield f"{page}: {letter} is “{said[letter].meaning}” and “{symbol.meaning}”"
                said[letter] = symbol
                if symbol in BY_PAGE and letter not in used:
                    yield f"{page}: {letter} is declared for it and not used"
        for symbol in here(page):
            yield from (f"{page}: {problem}" for problem in called(symbol, text))
        yield from (f"{page}: {alias} stands for the true rank r" for alias in ALIASES if alias in text)


def called(symbol: Symbol, text: str) -> Iterator[str]:
    """Where a text calls a symbol by another letter, in a formula or in the plain words of a figure."""
    own = marks(symbol)[0]
    for noun in symbol.nouns:
        pattern = rf"\b{noun}(?: is)?\s+(?:\$([^$]+)\$|([a-zα-ω])(?=[,.;:)\"']| [=<>≤≥]))"
        for found in re.finditer(pattern, text):
            tex = found[1] or found[2]
            other = own not in letters(tex) if found[1] else tex not in (own.removeprefix("\\"), *"ai")
            if other and _names(tex) and (found[1] or len(own) == 1):
                yield f"“{found[0]}”, where {noun} is {own}"


def _names(tex: str) -> bool:
    """Whether a formula names a quantity and is no value like 2n: a letter, after which a relation may follow."""
    return bool(
        re.match(r"\s*(?:[A-Za-zα-ω]|\\[a-z]+)(?:_\w|_\{[^}]*\}|\^\\star)?\s*(?:$|[=<>]|\\[lgn]e|\\to)", tex)
    )


def formulas(text: str) -> Iterator[str]:
    """The formulas of a page's source, without those of its code."""
    text = re.sub(r"^```\{code-cell\}.*?^```\n|\A---\n.*?^---\n", "", text, flags=re.S | re.M)
    for display, inline in re.findall(r"\$\$(.*?)\$\$|\$([^$]+)\$", text, flags=re.S):
        yield display or inline
