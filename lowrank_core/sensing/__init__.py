"""Measurement operators, one ensemble a file."""

from lowrank_core.sensing.certified_isometry import certified, from_normal, random_certified
from lowrank_core.sensing.dense import Dense, gaussian, gaussian_symmetric
from lowrank_core.sensing.entries import Entries, sampled, sampled_symmetric
from lowrank_core.sensing.gram import Gram
from lowrank_core.sensing.identity import Identity
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.sensing.rank_one_sensing import RankOne, rank_one, rank_one_symmetric
from lowrank_core.sensing.transform import Transform

__all__ = [
    "Dense",
    "Entries",
    "Gram",
    "Identity",
    "MeasurementOperator",
    "RankOne",
    "Transform",
    "certified",
    "from_normal",
    "gaussian",
    "gaussian_symmetric",
    "random_certified",
    "rank_one",
    "rank_one_symmetric",
    "sampled",
    "sampled_symmetric",
]
