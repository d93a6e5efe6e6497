"""One step on the population loss, against the step of the whole factor and against an exact instance."""

import pytest
import torch

from lowrank_core.analysis import one_step

FLOAT = torch.float64


def split(eta: float, scale: float = 0.3) -> one_step.Split:
    drawn = torch.Generator().manual_seed(0)
    s, e = (scale * torch.randn(4, rows, 3, dtype=FLOAT, generator=drawn) for rows in (2, 3))
    spectrum = torch.tensor([1.0, 0.6], dtype=FLOAT).expand(4, 2)
    return one_step.Split(s, e, spectrum, torch.full((4, 1, 1), eta, dtype=FLOAT))


def test_a_step_is_that_of_the_whole_factor() -> None:
    before = split(0.2)
    x = torch.cat([before.signal, before.residual], dim=1)
    truth = torch.diag(torch.tensor([1.0, 0.6, 0.0, 0.0, 0.0], dtype=FLOAT))
    after = before.step()
    expected = x - 0.2 * (x @ x.mT - truth) @ x
    torch.testing.assert_close(torch.cat([after.signal, after.residual], dim=1), expected)


def test_norms_are_the_spectral_ones() -> None:
    one = split(0.2)
    found = one_step.norms(one)
    gram = one.signal @ one.signal.mT
    values = torch.linalg.eigvalsh(gram)
    torch.testing.assert_close(found.smallest, values[:, 0])
    torch.testing.assert_close(found.largest, values[:, -1])
    gap = torch.linalg.matrix_norm(torch.diag_embed(one.spectrum) - gram, 2)
    torch.testing.assert_close(found.gap, gap)
    torch.testing.assert_close(found.cross, torch.linalg.matrix_norm(one.signal @ one.residual.mT, 2))
    torch.testing.assert_close(found.residual, torch.linalg.matrix_norm(one.residual @ one.residual.mT, 2))


def test_the_printed_bound_is_missed_by_the_exact_amount_and_the_mended_one_is_not() -> None:
    one = one_step.Split(*(torch.tensor(value, dtype=FLOAT) for value in ([[0.1]], [[1.0]], [1.0], [[0.05]])))
    after = one_step.norms(one.step()).smallest
    assert float(after - one_step.signal_bound(one, 0)) == pytest.approx(-9799 / 4e8, rel=1e-9)
    assert float(after - one_step.signal_bound(one, 2)) > 0


def test_inequalities_hold_for_small_steps_and_fail_for_large_ones() -> None:
    held = one_step.violations(split(0.45))
    assert all(bool((values < 1e-9).all()) for values in held)
    # A step this long throws the signal past the truth.
    large = one_step.Split(
        *(torch.tensor(value, dtype=FLOAT) for value in ([[0.65]], [[0.01]], [1.0], [[1.2]]))
    )
    assert float(one_step.violations(large).bounded) > 0


def test_nothing_is_said_about_norms_that_are_rounding() -> None:
    one = split(0.2)._replace(residual=torch.zeros(4, 3, 3, dtype=FLOAT))
    assert bool((one_step.violations(one).cross == -torch.inf).all())
