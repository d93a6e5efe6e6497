"""Fast first-order solvers for low-rank matrix recovery, and a registry of verified claims about them.

>>> from lowrank_core import GradientDescent, Identity, gaussian_start, observe, psd, solve
>>> seeds = range(8)
>>> problem = observe(psd(50, [2.0, 1.5, 1.0], seeds), Identity(50))
>>> run = solve(problem, GradientDescent(0.1), gaussian_start(50, 10, 1.0, seeds), steps=1000)
>>> run.error.shape  # 8 trajectories, one column per record
torch.Size([8, ...])
"""

from lowrank_core.budget import Recommendation, recommend
from lowrank_core.factors import (
    Factors,
    adjoint_start,
    balanced_start,
    coupled_start,
    gaussian_start,
    imbalanced_start,
    rank_limited_start,
    rotated_start,
    spectral_start,
)
from lowrank_core.methods import (
    METHODS,
    AtIteration,
    BalancedGradientDescent,
    GradientDescent,
    MiniBatch,
    PreconditionedGradientDescent,
    RebalancedGradientDescent,
    ResidualBelow,
    ResidualNorm,
    ScaledGradientDescent,
    SlopeNorm,
    Subgradient,
)
from lowrank_core.noise import Gaussian, Mixed, Outliers
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import (
    Dense,
    Identity,
    Transform,
    certified,
    gaussian,
    gaussian_symmetric,
    random_certified,
)
from lowrank_core.solve import ErrorBelow, Trajectory, log_spaced, solve
from lowrank_core.steps import Constant, Geometric, LossProportional, Normalised, Polyak
from lowrank_core.truth import Truth, geometric_spectrum, psd, rectangular

__version__ = "0.1.0"

__all__ = [
    "METHODS",
    "AtIteration",
    "BalancedGradientDescent",
    "Constant",
    "Dense",
    "ErrorBelow",
    "Factors",
    "Gaussian",
    "Geometric",
    "GradientDescent",
    "Identity",
    "LossProportional",
    "MiniBatch",
    "Mixed",
    "Normalised",
    "Outliers",
    "Polyak",
    "PreconditionedGradientDescent",
    "Problem",
    "RebalancedGradientDescent",
    "Recommendation",
    "ResidualBelow",
    "ResidualNorm",
    "ScaledGradientDescent",
    "SlopeNorm",
    "Subgradient",
    "Trajectory",
    "Transform",
    "Truth",
    "adjoint_start",
    "balanced_start",
    "certified",
    "coupled_start",
    "gaussian",
    "gaussian_start",
    "gaussian_symmetric",
    "geometric_spectrum",
    "imbalanced_start",
    "log_spaced",
    "observe",
    "psd",
    "random_certified",
    "rank_limited_start",
    "recommend",
    "rectangular",
    "rotated_start",
    "solve",
    "spectral_start",
]
