"""Recorded steps: as many as asked for, each with its own step size, whatever is recorded and what is replayed."""

import contextlib

import numpy as np
import pytest
import torch

from lowrank_core import kernels
from lowrank_core.kernels import dense_triton, graph_cuda
from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian, gaussian_symmetric

SEEDS = (0, 1, 2)
N, K, M = 5, 2, 12


def drawn(name, *shape):
    return normal(SEEDS, name, *shape) / shape[0] ** 0.5


def stepped(operator, left, right, y, eta):
    """Gradient descent in numpy, from the operator's matrices alone."""
    basis = torch.eye(M, dtype=torch.float64)
    a = np.stack([operator.adjoint(row.expand(len(SEEDS), M)).numpy() for row in basis], axis=1)
    f, g = left.numpy(), left.numpy() if right is None else right.numpy()
    for size in eta.numpy()[:, :, None, None]:
        z = (np.einsum("bmij,bik,bjk->bm", a, f, g) - y.numpy()) / M
        slope = np.einsum("bm,bmij->bij", z, a)
        f, g = f - size * slope @ g, g - size * slope.swapaxes(1, 2) @ f
    return f, g


@pytest.fixture
def in_turn(monkeypatch):
    """Steps one by one in place of a graph, for machines without a device."""
    monkeypatch.setattr(graph_cuda, "repeat", lambda step, times: [step() for _ in range(times)])
    # In torch, since no triton runs on the CPU.
    monkeypatch.setattr(dense_triton, "FEWEST_PRODUCT", 0)
    monkeypatch.setattr(kernels, "on_device", lambda tensor: True)
    monkeypatch.setattr(kernels, "compiled", lambda *tensors: False)


@pytest.mark.parametrize("symmetric", [True, False])
def test_an_operator_descends_as_gradient_descent_does(symmetric, in_turn):
    operator = gaussian_symmetric(N, M, SEEDS) if symmetric else gaussian(N, N, M, SEEDS)
    left, right = drawn("left", N, K), None if symmetric else drawn("right", N, K)
    eta = torch.linspace(0.02, 0.1, 9 * len(SEEDS), dtype=torch.float64).unflatten(0, (9, -1))
    y, kept = drawn("y", M), left.clone()
    moved = operator.descend(left, right, y, eta)
    for have, wanted in zip(moved, stepped(operator, left, right, y, eta), strict=True):
        assert have is None or np.abs(have.numpy() - wanted).max() < 1e-14
    assert (moved[1] is None) is symmetric
    assert torch.equal(left, kept)


@pytest.mark.parametrize("times", [0, 1, 6, 7, 50])
def test_a_step_is_taken_as_often_as_asked(times, monkeypatch):
    taken, graphs, recording = [], [], []

    def step():
        if not recording:
            taken.append(len(taken))

    class Stream:
        def wait_stream(self, other):
            assert isinstance(other, Stream)

        def synchronize(self):
            assert len(taken) == times

    class Graph:
        """Holds what ran while it was recorded, which does not count, and runs it at every replay."""

        def replay(self):
            step()

    @contextlib.contextmanager
    def recorded(graph):
        graphs.append(graph)
        recording.append(graph)
        yield
        recording.pop()

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", recorded)
    graph_cuda.repeat(step, times)
    assert len(taken) == times
    assert len(graphs) == (times > 2 * graph_cuda.WARM)


@pytest.mark.cuda
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("steps", [5, 40])
def test_a_graph_on_a_device_takes_the_steps_of_the_cpu(symmetric, steps):
    runs = []
    for device in ("cpu", "cuda"):
        operator = (
            gaussian_symmetric(N, M, SEEDS, device=device)
            if symmetric
            else gaussian(N, N, M, SEEDS, device=device)
        )
        left, right = drawn("left", N, K).to(device), None if symmetric else drawn("right", N, K).to(device)
        eta = torch.linspace(0.02, 0.1, steps * len(SEEDS), dtype=torch.float64).unflatten(0, (steps, -1))
        y = drawn("y", M).to(device)
        if device == "cuda":
            with kernels.using("triton"):
                ran = operator.descend(left, right, y, eta.cuda())
            runs.append([f if f is None else f.cpu().numpy() for f in ran])
        else:
            runs.append(stepped(operator, left, right, y, eta))
    for have, wanted in zip(runs[1], runs[0], strict=True):
        assert have is None or np.abs(have - wanted).max() < 1e-13
