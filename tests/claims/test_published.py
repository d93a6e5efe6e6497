"""What the claims on the papers' figures share."""

from types import SimpleNamespace

import torch

from lowrank_core import artefacts
from lowrank_core.claims import find
from lowrank_core.claims.experiments.published import RECORDS, completion, curves, records
from lowrank_core.claims.grammar import Setting, at
from lowrank_core.claims.zhuo2024.figures import mirrored

SPECTRA = torch.tensor([[1.0, 0.5], [1.0, 0.5]], dtype=torch.float64)


def setting(**sizes):
    claim = find("zhuo2024.figure-1")
    return Setting((0, 1), SimpleNamespace(**{**claim.sizes["smoke"], **sizes}), torch.device("cpu"))


def test_records_are_few_and_end_at_the_end():
    grid = records(300)
    assert len(grid) == RECORDS + 1
    assert (grid[0], grid[-1]) == (0, 300)
    assert len(records(5)) == 6


def test_stored_curves_are_bands_of_the_live_ones():
    values = torch.tensor([[1.0, 0.5], [3.0, 0.1]], dtype=torch.float64)
    found = curves(torch.tensor([0, 1]), {at(k=4): values})
    assert found["stored"] == {"k = 4": artefacts.band(torch.tensor([0, 1]), values)}


def test_completion_with_everything_seen_starts_at_the_truth():
    problem, start = completion(setting(), (0, 1), 8, SPECTRA, 1.0)
    assert torch.allclose(start.product(), problem.truth.matrix, atol=1e-12)


def test_the_noise_of_completion_has_the_asked_level():
    clean, _ = completion(setting(), (0, 1), 60, SPECTRA, 0.5)
    noisy, _ = completion(
        setting(), (0, 1), 60, SPECTRA, 0.5, torch.tensor([[0.1], [0.2]], dtype=torch.float64)
    )
    found = (noisy.observations - clean.observations).std(dim=1)
    assert torch.allclose(found, torch.tensor([0.1, 0.2], dtype=torch.float64), rtol=0.1)


def test_mirrored_matrices_double_what_is_off_the_diagonal():
    """E⟨A, B⟩A is 2B − diag(B) where the upper triangle is N(0, 1) and copied."""
    operator = mirrored(setting(n=3, m=200_000))
    matrix = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64).expand(
        2, 3, 3
    )
    seen = operator.weight * operator.adjoint(operator.forward(matrix))
    expected = 2 * matrix - torch.diag_embed(matrix.diagonal(dim1=1, dim2=2))
    assert torch.allclose(seen, expected, atol=0.05)
