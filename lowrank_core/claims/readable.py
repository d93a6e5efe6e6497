"""Whether a hypothesis, as claims name it, can be read in a statement in LaTeX."""

from __future__ import annotations

import re

_GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", varepsilon="ε", zeta="ζ", eta="η", theta="θ", kappa="κ",
    lambda_="λ", mu="μ", nu="ν", xi="ξ", pi="π", rho="ρ", sigma="σ", tau="τ", phi="φ", varphi="φ", chi="χ", psi="ψ",
    omega="ω", Gamma="Γ", Delta="Δ", Theta="Θ", Lambda="Λ", Pi="Π", Sigma="Σ", Phi="Φ", Psi="Ψ", Omega="Ω",
)  # fmt: skip
_SIGNS = dict(
    le="≤", leq="≤", ge="≥", geq="≥", ne="≠", neq="≠", ll="≪", gg="≫", lesssim="≲", succ="≻", succeq="⪰", star="*",
    ast="*", infty="∞", in_="∈", sqrt="√", top="T", nparallel="∦", times="×", cdot="", quad="", qquad="", left="",
    right="", bigl="", bigr="", lVert="‖", rVert="‖",
)  # fmt: skip
_WORDS = {name.rstrip("_"): sign for name, sign in {**_GREEK, **_SIGNS}.items()}
_SMALL = str.maketrans(
    {raised: f"^{plain}" for raised, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)}
    | {lowered: f"_{plain}" for lowered, plain in zip("₀₁₂₃₄₅₆₇₈₉ᵣ₊₋", "0123456789r+-", strict=True)}
    | {"½": "1/2", "−": "-", "–": "-", "ᵀ": "^T"}
)
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "≪": "≫", "≫": "≪", "≻": "≺"}


def readable(hypothesis: str, statement: str) -> bool:
    r"""Whether a hypothesis stands in a statement: "k > r" in "$r<k\le n$", "r ≥ 2" in "with $r\ge2$".

    Spaces, braces and the forms of LaTeX do not count; a single inequality may be turned around.

     >>> readable("k > r", r"with $r<k\le n$"), readable("k > r", r"with $k\ge r$")
     (True, False)

    Args:
        hypothesis: as a claim names it, in plain signs.
        statement: Markdown with LaTeX.
    """
    text = plain(statement)
    wanted = plain(hypothesis)
    return any(form in text for form in (wanted, turned(wanted)))


def plain(text: str) -> str:
    """Text in one spelling: signs for LaTeX's words, no spaces, no braces, dollars or marks of emphasis."""
    text = text.replace(r"\|", "‖")
    text = re.sub(r"\\[dt]?frac(\d)(\d)", r"\1/\2", text)
    text = re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"\\sqrt\{([^{}]*[-+][^{}]*)\}", r"√(\1)", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _WORDS.get(found[1], found[1]), text)
    text = re.sub(r"operatorname|mathrm|mathcal|mathbb|tilde|text", "", text)
    text = re.sub(r"[\s${}\\,]", "", text.translate(_SMALL)).replace("^*", "*")
    # "10⁻⁶" has a sign for each raised character, "10^{-6}" has one for all.
    return re.sub(r"(?<=\^)([-\d]+)\^(?=[-\d])", r"\1", text)


def turned(inequality: str) -> str:
    """A single inequality the other way around; anything else as it is."""
    parts = re.split(f"([{''.join(_FLIPPED)}])", inequality)
    if len(parts) != 3:
        return inequality
    left, sign, right = parts
    return f"{right}{_FLIPPED[sign]}{left}"
