"""Methods, one a file; `METHODS` names them all."""

from lowrank_core.methods.balanced import BalancedGradientDescent
from lowrank_core.methods.conjugate_gradient import ConjugateGradient
from lowrank_core.methods.gradient_descent import GradientDescent
from lowrank_core.methods.method import Method, State
from lowrank_core.methods.minibatch import MiniBatch
from lowrank_core.methods.mixed import MixedGradientDescent
from lowrank_core.methods.preconditioned import PreconditionedGradientDescent, ResidualNorm, SlopeNorm
from lowrank_core.methods.rebalanced import AtIteration, RebalancedGradientDescent, ResidualBelow
from lowrank_core.methods.scaled import ScaledGradientDescent
from lowrank_core.methods.subgradient import Subgradient

METHODS = {
    "balanced": BalancedGradientDescent,
    "conjugate-gradient": ConjugateGradient,
    "gradient-descent": GradientDescent,
    "mini-batch": MiniBatch,
    "mixed": MixedGradientDescent,
    "preconditioned": PreconditionedGradientDescent,
    "rebalanced": RebalancedGradientDescent,
    "scaled": ScaledGradientDescent,
    "subgradient": Subgradient,
}

__all__ = [
    "METHODS",
    "AtIteration",
    "BalancedGradientDescent",
    "ConjugateGradient",
    "GradientDescent",
    "Method",
    "MiniBatch",
    "MixedGradientDescent",
    "PreconditionedGradientDescent",
    "RebalancedGradientDescent",
    "ResidualBelow",
    "ResidualNorm",
    "ScaledGradientDescent",
    "SlopeNorm",
    "State",
    "Subgradient",
]
