"""The operator of the guarantees has the isometry constant that it is said to have, for rank one as well."""

from types import SimpleNamespace

import pytest
import torch

from lowrank_core.claims.experiments.rectangular import hard_operator, truths
from lowrank_core.claims.grammar import Setting, Sweep


@pytest.mark.parametrize(("rank", "directions"), [(1, 2), (2, 3), (3, 3)])
def test_eigenvalues_and_the_pairs_of_the_truth(rank, directions):
    setting = Setting((5, 6), SimpleNamespace(), torch.device("cpu"))
    truth = truths(Sweep(setting, κ=(1.0, 7.0)), 5, 4, rank)
    delta = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    operator = hard_operator(truth, delta)
    for i, constant in enumerate(delta):
        normal = operator.entries[i].mT @ operator.entries[i]
        values = torch.linalg.eigvalsh(normal)
        assert torch.allclose(values[:directions], 1 - constant)
        assert torch.allclose(values[directions:], 1 + constant)
        for pair in (0, -1):
            matrix = torch.outer(truth.left[i, :, pair], truth.right[i, :, pair]).flatten()
            assert torch.allclose(normal @ matrix, (1 - constant) * matrix)
