"""All that a module of claims is written with."""

from lowrank_core.claims.claim import Setting
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.edges import edge, refused
from lowrank_core.claims.evidence import Evidence
from lowrank_core.claims.page import Page
from lowrank_core.claims.sizes import each, scales
from lowrank_core.claims.sweep import Sweep
from lowrank_core.claims.variants import Variant, at

__all__ = [
    "Criterion",
    "Evidence",
    "Page",
    "Setting",
    "Sweep",
    "Variant",
    "at",
    "each",
    "edge",
    "refused",
    "scales",
]
