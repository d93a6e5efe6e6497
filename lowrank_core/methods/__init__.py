"""Methods, one a file; `METHODS` names them all."""

from lowrank_core.methods.gradient_descent import GradientDescent
from lowrank_core.methods.method import Method, State
from lowrank_core.methods.minibatch import MiniBatch
from lowrank_core.methods.rebalanced import AtIteration, RebalancedGradientDescent, ResidualBelow
from lowrank_core.methods.subgradient import Subgradient

METHODS = {
    "gradient-descent": GradientDescent,
    "mini-batch": MiniBatch,
    "rebalanced": RebalancedGradientDescent,
    "subgradient": Subgradient,
}

__all__ = [
    "METHODS",
    "AtIteration",
    "GradientDescent",
    "Method",
    "MiniBatch",
    "RebalancedGradientDescent",
    "ResidualBelow",
    "State",
    "Subgradient",
]
