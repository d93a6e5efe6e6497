"""The registry of claims, their verdicts and the ledger.

>>> from lowrank_core import claims
>>> claims.run("xiong2024.exact-rank-linear", scale="smoke").verdict
'holds'
"""

from lowrank_core.claims.claim import Claim, Criterion, Evidence, Setting
from lowrank_core.claims.registry import all_claims, find, source
from lowrank_core.claims.result import Result, UnexpectedVerdict
from lowrank_core.claims.runner import run

__all__ = [
    "Claim",
    "Criterion",
    "Evidence",
    "Result",
    "Setting",
    "UnexpectedVerdict",
    "all_claims",
    "find",
    "run",
    "source",
]
