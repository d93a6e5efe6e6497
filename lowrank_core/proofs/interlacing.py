r"""The imbalance brackets the local rate at a minimiser ``FGᵀ = M*`` of rank ``r < k``.

Let ``Δ = FᵀF - GᵀG``, and ``a_+``, ``b_+`` the smallest nonzero eigenvalues of ``FᵀF`` and ``GᵀG``.

* If ``rank F > r`` then ``a_+ ≤ λ_{rank F - r}(Δ)``; if ``rank G > r`` then ``b_+ ≤ λ_{rank G - r}(-Δ)``. So
  ``min(a_+, b_+) ≤ ‖Δ‖`` as soon as one of the ranks exceeds ``r``.
* If ``Δ`` is positive definite, then ``rank F = k``, ``rank G = r``,
  ``λ_k(Δ) ≤ λ_min(FᵀF) ≤ λ_{k-r}(Δ)`` and ``λ_r(GᵀG) ≥ σ_r²/‖F‖²``.

Derived here. The proof of the first: ``G`` maps the range of ``Fᵀ`` onto ``r`` dimensions, and on the kernel of this
map ``vᵀΔv = |Fv|² ≥ a_+|v|²``; then Courant-Fischer. The second is Weyl's inequality and the first. The controls
are an indefinite ``Δ``, and both ranks equal to ``r``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from lowrank_core.proofs.inertia import count_above, inertia
from lowrank_core.proofs.matrices import gram, matmul, rank, transpose
from lowrank_core.proofs.minimisers import Minimiser, Shape, columns, draw, rational_orthogonal
