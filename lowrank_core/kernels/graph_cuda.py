"""Steps of gradient descent on CUDA as one recorded graph, replayed: what launches cost is paid once.

A step of a small problem is a dozen kernels of a few microseconds each, and starting them takes longer than they
do. What is here is tested with a stand-in for the recording; it has not run on a device yet.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM = 3
"""Steps taken before one is recorded, so that libraries have their workspace and kernels are compiled."""

Gradient = Callable[[torch.Tensor, torch.Tensor | None], tuple[torch.Tensor, torch.Tensor | None]]


def descend(
    gradient: Gradient, left: torch.Tensor, right: torch.Tensor | None, eta: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after T steps, F ← F − η_t dF and, at the same time, G ← G − η_t dG.

    Args:
        gradient: (F, G) -> (dF, dG), kernels alone: nothing in it may wait for the device.
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
        eta: η_t, (T, B).
    """
    left, right = left.clone(), None if right is None else right.clone()
    # The graph is the same for every step, so that the number of the step is a tensor as well.
    now = torch.zeros(1, dtype=torch.long, device=left.device)

    def step() -> None:
        d_left, d_right = gradient(left, right)
        size = eta.index_select(0, now)[0, :, None, None]
        left.sub_(size * d_left)
        if right is not None and d_right is not None:
            right.sub_(size * d_right)
        now.add_(1)

    with torch.cuda.device_of(left):
        repeat(step, eta.shape[0])
    return left, right


def repeat(step: Callable[[], None], times: int) -> None:
    """Run a step that overwrites its own state so many times, from a graph where that pays."""
    if times <= 2 * WARM:
        for _ in range(times):
            step()
        return
    here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
    aside.wait_stream(here)
    with torch.cuda.stream(aside):
        for _ in range(WARM):
            step()
    here.wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for _ in range(times - WARM):
        graph.replay()
    # The graph's memory goes with it, and replays may still be under way.
    here.synchronize()
