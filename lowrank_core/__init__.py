"""Fast first-order solvers for low-rank matrix recovery, and a registry of verified claims about them.

>>> from lowrank_core import GradientDescent, Identity, gaussian_start, observe, psd, solve
>>> seeds = range(8)
>>> problem = observe(psd(50, [2.0, 1.5, 1.0], seeds), Identity(50))
>>> run = solve(problem, GradientDescent(0.1), gaussian_start(50, 10, 1.0, seeds), steps=1000)
>>> run.error.shape  # 8 trajectories, one column per record
torch.Size([8, ...])

Here stands what one begins with, and what a new method, operator or step rule derives from. Specialists' names
stand in their modules: `analysis`, `claims`, `contracts`, `methods`, `noise`, `proofs`, `sensing`, `steps`.
"""

from lowrank_core.budget import recommend
from lowrank_core.contracts import method_faults, operator_faults
from lowrank_core.factors import (
    Factors,
    adjoint_start,
    coupled_start,
    gaussian_start,
    imbalanced_start,
    spectral_start,
)
from lowrank_core.methods import (
    BalancedGradientDescent,
    ConjugateGradient,
    GradientDescent,
    Method,
    MiniBatch,
    MixedGradientDescent,
    PreconditionedGradientDescent,
    RebalancedGradientDescent,
    ScaledGradientDescent,
    State,
    Subgradient,
)
from lowrank_core.noise import Outliers
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import (
    Identity,
    MeasurementOperator,
    gaussian,
    gaussian_symmetric,
    sampled,
    sampled_symmetric,
)
from lowrank_core.solver import ErrorBelow, Trajectory, log_spaced, repeat, solve
from lowrank_core.steps import Geometric, LossProportional, Normalised, Polyak, StepRule
from lowrank_core.truth import Truth, geometric_spectrum, psd, rectangular

__version__ = "0.1.0"

__all__ = [
    "BalancedGradientDescent",
    "ConjugateGradient",
    "ErrorBelow",
    "Factors",
    "Geometric",
    "GradientDescent",
    "Identity",
    "LossProportional",
    "MeasurementOperator",
    "Method",
    "MiniBatch",
    "MixedGradientDescent",
    "Normalised",
    "Outliers",
    "Polyak",
    "PreconditionedGradientDescent",
    "Problem",
    "RebalancedGradientDescent",
    "ScaledGradientDescent",
    "State",
    "StepRule",
    "Subgradient",
    "Trajectory",
    "Truth",
    "adjoint_start",
    "coupled_start",
    "gaussian",
    "gaussian_start",
    "gaussian_symmetric",
    "geometric_spectrum",
    "imbalanced_start",
    "log_spaced",
    "method_faults",
    "observe",
    "operator_faults",
    "psd",
    "recommend",
    "rectangular",
    "repeat",
    "sampled",
    "sampled_symmetric",
    "solve",
    "spectral_start",
]
