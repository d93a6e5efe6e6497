"""Measurement operators, one ensemble a file."""

from lowrank_core.sensing.dense import Dense, gaussian, gaussian_symmetric
from lowrank_core.sensing.identity import Identity
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.sensing.transform import Transform

__all__ = ["Dense", "Identity", "MeasurementOperator", "Transform", "gaussian", "gaussian_symmetric"]
