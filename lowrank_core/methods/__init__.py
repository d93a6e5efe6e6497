"""Methods, one a file; `METHODS` names them all."""

from lowrank_core.methods.gradient_descent import GradientDescent
from lowrank_core.methods.method import Method, State
from lowrank_core.methods.subgradient import Subgradient

METHODS = {
    "gradient-descent": GradientDescent,
    "subgradient": Subgradient,
}

__all__ = ["METHODS", "GradientDescent", "Method", "State", "Subgradient"]
