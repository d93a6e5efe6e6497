"""The fused kernels of dense measurements against the sums they stand for, in numpy."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from lowrank_core.kernels import dense_cpu, dense_mixed_cpu
from lowrank_core.randomness import normal

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="needs numba")

ROUNDING = 1e-13
SINGLE = 1e-6
WEIGHT = 0.3
N, K = 6, 3
Q = N * (N + 1) // 2
DTYPES = (torch.float64, torch.float32, torch.bfloat16)


def drawn(name, *shape):
    return normal([0], name, *shape)[0]


def expected(entries, v, y, repeats, loss):
    """Loss and slope of every trajectory, and the sizes against which to judge their rounding."""
    a = np.repeat(entries.double().numpy(), repeats, axis=0)
    residual = np.einsum("bmq,bq->bm", a, v.numpy()) - y.numpy()
    z = residual if loss == "l2" else np.sign(residual)
    value = WEIGHT * (residual**2 / 2 if loss == "l2" else np.abs(residual)).sum(1)
    size = WEIGHT * np.einsum("bmq,bm->bq", np.abs(a), np.abs(z))
    return value, WEIGHT * np.einsum("bmq,bm->bq", a, z), np.linalg.norm(size, axis=1)


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("m", [1, 8, 9, 10, 11])
def test_one_pass_equals_the_two_products(m, dtype, loss):
    for repeats in range(1, 18):
        entries = drawn("entries", 2, m, Q).to(dtype)
        v, y = drawn("v", 2 * repeats, Q), drawn("y", 2 * repeats, m)
        value, slope = dense_cpu.slope(entries, v, y, repeats, WEIGHT, loss)
        wanted, direction, size = expected(entries, v, y, repeats, loss)
        assert value.tolist() == pytest.approx(wanted.tolist(), rel=ROUNDING)
        assert (np.linalg.norm(slope.numpy() - direction, axis=1) <= ROUNDING * size).all()


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize("q", [2048, 2048 + 64 + 8])
@pytest.mark.parametrize("repeats", [1, 2, 3, 5])
def test_rows_that_are_fetched_before_they_are_read(repeats, q, loss):
    assert dense_cpu.fetched(np.empty((1, q)))
    for m in range(1, 14):
        entries, v, y = drawn("entries", 2, m, q), drawn("v", 2 * repeats, q), drawn("y", 2 * repeats, m)
        value, slope = dense_cpu.slope(entries, v, y, repeats, WEIGHT, loss)
        wanted, direction, size = expected(entries, v, y, repeats, loss)
        assert value.tolist() == pytest.approx(wanted.tolist(), rel=ROUNDING)
        assert (np.linalg.norm(slope.numpy() - direction, axis=1) <= ROUNDING * size).all()
        _, alone = dense_cpu.slope(entries, v[::repeats], y[::repeats], 1, WEIGHT, loss)
        assert repeats > 3 or torch.equal(slope[::repeats], alone)


def test_which_rows_are_fetched_before_they_are_read():
    assert not dense_cpu.fetched(np.empty((1, 2048), np.float32))
    assert not dense_cpu.fetched(np.empty((1, 2049)))
    assert not dense_cpu.fetched(np.empty((1, 2040)))
    assert not dense_cpu.fetched(np.empty((1, 2**14 + 8)))


@pytest.mark.parametrize("repeats", [1, 3, 4, 17])
def test_no_trajectory_depends_on_its_companions(repeats):
    entries = drawn("entries", 1, 10, Q)
    v, y = drawn("v", repeats, Q), drawn("y", repeats, 10)
    _, together = dense_cpu.slope(entries, v, y, repeats, WEIGHT, "l2")
    for i in range(repeats):
        _, alone = dense_cpu.slope(entries, v[i : i + 1], y[i : i + 1], 1, WEIGHT, "l2")
        assert (together[i] - alone[0]).norm() < ROUNDING * alone.norm()


@pytest.mark.parametrize("q", [Q, 2048])
@pytest.mark.parametrize("m", [3, 8, 13, 29])
def test_rows_split_over_threads_give_the_same_sums(m, q, monkeypatch):
    entries, v, y = drawn("entries", 2, m, q), drawn("v", 6, q), drawn("y", 6, m)
    value, slope = dense_cpu.slope(entries, v, y, 3, WEIGHT, "l2")
    monkeypatch.setattr(dense_cpu, "SMALLEST_SPLIT", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    split_value, split = dense_cpu.slope(entries, v, y, 3, WEIGHT, "l2")
    assert split_value.tolist() == pytest.approx(value.tolist(), rel=ROUNDING)
    assert (split - slope).norm() < ROUNDING * slope.norm()


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(("q", "repeats"), [(Q, 5), (2048, 3)])
def test_what_is_not_a_number_stays_so_and_alone(q, repeats, loss):
    entries, v, y = drawn("entries", 1, 9, q), drawn("v", repeats, q), drawn("y", repeats, 9)
    v[1, 0] = torch.nan
    value, slope = dense_cpu.slope(entries, v, y, repeats, WEIGHT, loss)
    assert value.isnan().tolist() == [b == 1 for b in range(repeats)]
    assert slope.isnan().all(dim=1).tolist() == slope.isnan().any(dim=1).tolist() == value.isnan().tolist()


def coordinates_of(matrix):
    """Row by row from the diagonal on, √2 times what lies off it."""
    n = len(matrix)
    half = [[matrix[i][j] * (1 if i == j else 2**0.5) for j in range(i, n)] for i in range(n)]
    return np.concatenate(half)


def matrix_of(coordinates, n):
    full, place = np.empty((n, n)), iter(coordinates)
    for i in range(n):
        for j in range(i, n):
            full[i, j] = full[j, i] = next(place) * (1 if i == j else 0.5**0.5)
    return full


@pytest.mark.parametrize(("n", "k"), [(1, 1), (6, 3), (8, 9), (9, 4), (16, 2), (17, 2), (17, 9), (21, 5)])
def test_packing_and_pulling_back(n, k):
    f, g, t = drawn("f", 2, n, k), drawn("g", 2, n, k), drawn("t", 2, n * (n + 1) // 2)
    packed, pulled = dense_cpu.packed(f, g), dense_cpu.pulled(t, f)
    single = dense_cpu.pulled(t.float(), f)
    for b in range(2):
        product = f[b].numpy() @ g[b].numpy().T
        wanted = coordinates_of((product + product.T) / 2)
        assert np.abs(packed[b].numpy() - wanted).max() < ROUNDING
        assert np.abs(pulled[b].numpy() - matrix_of(t[b].numpy(), n) @ f[b].numpy()).max() < ROUNDING
        assert (
            np.abs(single[b].numpy() - matrix_of(t[b].float().double().numpy(), n) @ f[b].numpy()).max()
            < ROUNDING
        )


def test_repacking_returns_the_change():
    f, g = drawn("f", 2, N, K), drawn("g", 2, N, K)
    coordinates = dense_cpu.packed(f, f)
    before = coordinates.clone()
    change = dense_cpu.repacked(g, g, coordinates)
    assert torch.equal(coordinates, dense_cpu.packed(g, g))
    assert torch.equal(change, (coordinates - before).float())


@pytest.mark.parametrize("m", [8, 9, 10, 11])
def test_a_residual_that_follows_in_float32(m):
    for repeats in range(1, 10):
        entries, change = drawn("entries", 2, m, Q).float(), drawn("v", 2 * repeats, Q).float()
        residual = drawn("y", 2 * repeats, m)
        a = np.repeat(entries.double().numpy(), repeats, axis=0)
        moved = np.einsum("bmq,bq->bm", a, change.double().numpy())
        after = residual.numpy() + moved
        slope, size = dense_mixed_cpu.follow(entries, change, residual, repeats, WEIGHT)
        wanted = WEIGHT * np.einsum("bmq,bm->bq", a, after)
        assert np.linalg.norm(residual.numpy() - after) < SINGLE * np.linalg.norm(moved)
        assert np.linalg.norm(slope.numpy() - wanted) < SINGLE * np.linalg.norm(wanted)
        assert size.tolist() == pytest.approx(np.linalg.norm(moved, axis=1).tolist(), rel=10 * SINGLE)


# Prints how far each kind of storage is from the two products.
RUN = """
import json, sys, torch
from lowrank_core.kernels import dense_cpu
gaps = []
for name in sys.argv[1:]:
    a = torch.arange(1.0, 31.0, dtype=torch.float64).reshape(1, 5, 6).to(getattr(torch, name))
    v, y = torch.ones(2, 6, dtype=torch.float64), torch.ones(2, 5, dtype=torch.float64)
    wanted = (v @ a[0].double().mT - y) @ a[0].double()
    gaps.append(float((dense_cpu.slope(a, v, y, 2, 1.0, "l2")[1] - wanted).abs().max()))
print(json.dumps(gaps))
"""


def started(kinds, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *kinds],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gaps(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def test_nowhere_to_keep_the_code_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    below_a_file = str(tmp_path / "file" / "cache")
    nowhere = {
        "NUMBA_CACHE_DIR": below_a_file,
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    assert gaps(started(["float64"], **nowhere)) == [0.0]


REPEAT = """
from lowrank_core.kernels import dense_cpu
from lowrank_core.randomness import normal
a, v, y = normal([0, 1], "a", 301, 210), normal([0, 1], "v", 210), normal([0, 1], "y", 301)
print(*(each.tolist() for loss in ("l1", "l2") for each in dense_cpu.slope(a, v, y, 1, 1 / 301, loss)))
"""


@pytest.mark.slow
def test_a_kernel_from_its_file_repeats_every_bit_of_the_one_just_compiled(tmp_path):
    where = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", REPEAT]
    compiled, kept = (subprocess.run(command, env=where, capture_output=True, check=True) for _ in range(2))
    assert compiled.stdout
    assert compiled.stdout == kept.stdout


@pytest.mark.slow
def test_processes_that_compile_side_by_side_keep_the_right_code(tmp_path):
    kinds = ["float64", "bfloat16"]
    orders = [kinds, kinds[::-1]]
    together = [started(order, NUMBA_CACHE_DIR=str(tmp_path)) for order in orders]
    assert [gaps(process) for process in together] == [[0.0] * 2] * 2
    kept = {path.name for path in tmp_path.rglob("*.nbc")}
    assert len(kept) == len(kinds)
    assert gaps(started(kinds, NUMBA_CACHE_DIR=str(tmp_path))) == [0.0] * 2
    # The third process found what the others left, and left nothing of its own.
    assert {path.name for path in tmp_path.rglob("*.nbc")} == kept
