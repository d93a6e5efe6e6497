"""The CUDA kernels against the sums and steps they stand for, in numpy.

Everything below runs on a device where there is one. Where there is none, it runs on the CPU in Triton's
interpreter, in a process of its own: the interpreter has to be asked for before triton is imported.
"""

import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import torch

from lowrank_core import kernels
from lowrank_core.kernels import dense_triton, population_triton
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, dense, gaussian, gaussian_symmetric

pytestmark = pytest.mark.triton

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
WEIGHT = 0.3
N, K = 4, 2
Q = N * (N + 1) // 2
ROUNDING = {torch.float64: 1e-13, torch.float32: 1e-5}
STORED = [
    (torch.float64, torch.float64),
    (torch.float32, torch.float64),
    (torch.bfloat16, torch.float64),
    (torch.float32, torch.float32),
    (torch.bfloat16, torch.float32),
]


@pytest.fixture(params=["cpu" if INTERPRETED else pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    return request.param


@pytest.mark.skipif(INTERPRETED, reason="this is the interpreter")
def test_everything_holds_in_the_interpreter():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", __file__]
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 20


def drawn(name, *shape):
    return normal([0], name, *shape)[0]


def expected(entries, v, y, repeats, loss):
    """Loss and slope of every trajectory, and the sizes against which to judge their rounding."""
    a = np.repeat(entries.double().cpu().numpy(), repeats, axis=0)
    v, y = v.double().cpu().numpy(), y.double().cpu().numpy()
    residual = np.einsum("bmq,bq->bm", a, v) - y
    z = residual if loss == "l2" else np.sign(residual)
    value = WEIGHT * (residual**2 / 2 if loss == "l2" else np.abs(residual)).sum(1)
    size = WEIGHT * np.einsum("bmq,bm->bq", np.abs(a), np.abs(z))
    return value, WEIGHT * np.einsum("bmq,bm->bq", a, z), np.linalg.norm(size, axis=1)


def compare(entries, v, y, repeats, loss):
    value, slope = dense_triton.slope(entries, v, y, repeats, WEIGHT, loss)
    wanted, direction, size = expected(entries, v, y, repeats, loss)
    assert value.dtype == slope.dtype == v.dtype
    limit = ROUNDING[v.dtype]
    assert value.tolist() == pytest.approx(wanted.tolist(), rel=10 * limit)
    assert (np.linalg.norm(slope.double().cpu().numpy() - direction, axis=1) <= limit * size).all()


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(("stored", "kept"), STORED, ids=str)
def test_one_pass_equals_the_two_products_for_every_remainder_of_rows(stored, kept, loss, device):
    for m in (1, 4, 5, 6, 7):
        entries = drawn("entries", 1, m, Q).to(device, stored)
        compare(entries, drawn("v", 1, Q).to(device, kept), drawn("y", 1, m).to(device, kept), 1, loss)


@pytest.mark.parametrize("repeats", range(1, 18))
def test_one_pass_equals_the_two_products_for_every_batch(repeats, device):
    m = 1 + repeats % 4
    entries = drawn("entries", 1, m, Q).to(device)
    compare(entries, drawn("v", repeats, Q).to(device), drawn("y", repeats, m).to(device), repeats, "l2")


@pytest.mark.parametrize("tile", [16, 64])
def test_rows_wider_than_a_tile_are_walked_in_parts(tile, device, monkeypatch):
    monkeypatch.setattr(dense_triton, "TILE", tile)
    entries = drawn("entries", 2, 9, Q).to(device)
    compare(entries, drawn("v", 6, Q).to(device), drawn("y", 6, 9).to(device), 3, "l1")


def test_rows_too_wide_for_the_cache_are_taken_one_by_one(device, monkeypatch):
    monkeypatch.setattr(dense_triton, "_machine", lambda device: (2, 1))
    entries = drawn("entries", 1, 7, Q).to(device)
    compare(entries, drawn("v", 2, Q).to(device), drawn("y", 2, 7).to(device), 2, "l2")


def test_no_trajectory_depends_on_its_companions(device):
    entries = drawn("entries", 1, 10, Q).to(device)
    v, y = drawn("v", 5, Q).to(device), drawn("y", 5, 10).to(device)
    _, together = dense_triton.slope(entries, v, y, 5, WEIGHT, "l2")
    for i in range(5):
        _, alone = dense_triton.slope(entries, v[i : i + 1], y[i : i + 1], 1, WEIGHT, "l2")
        assert (together[i] - alone[0]).norm() < ROUNDING[torch.float64] * alone.norm()


def test_a_gradient_is_the_same_to_the_last_bit_when_repeated(device):
    entries = drawn("entries", 1, 11, Q).to(device)
    v, y = drawn("v", 3, Q).to(device), drawn("y", 3, 11).to(device)
    first, second = (dense_triton.slope(entries, v, y, 3, WEIGHT, "l2") for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_what_is_not_a_number_stays_so_and_alone(loss, device):
    entries = drawn("entries", 1, 9, Q).to(device)
    v, y = drawn("v", 5, Q).to(device), drawn("y", 5, 9).to(device)
    v[1, 0] = torch.nan
    value, slope = dense_triton.slope(entries, v, y, 5, WEIGHT, loss)
    assert value.isnan().tolist() == [False, True, False, False, False]
    assert slope.isnan().all(dim=1).tolist() == slope.isnan().any(dim=1).tolist() == value.isnan().tolist()


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_an_operator_gives_the_gradient_of_the_full_form(symmetric, loss, device, monkeypatch):
    # In the interpreter tensors live on the CPU, which is nobody's device.
    monkeypatch.setattr(kernels, "on_device", lambda tensor: True)
    monkeypatch.setattr(kernels, "compiled", lambda *tensors: False)
    ran = []
    monkeypatch.setattr(
        dense_triton, "slope", lambda *a, slope=dense_triton.slope: ran.append(a) or slope(*a)
    )
    seeds = (0, 0, 1, 1)
    operator = (
        gaussian_symmetric(N, 7, seeds, device=device)
        if symmetric
        else gaussian(N, N, 7, seeds, device=device)
    )
    left, right = drawn("left", 4, N, K).to(device), drawn("right", 4, N, K).to(device)
    right = None if symmetric else right
    y = drawn("y", 4, 7).to(device)
    value, d_left, d_right = operator.gradient(left, right, y, loss)
    assert len(ran) == 1

    other = left if right is None else right
    residual = operator.forward(left @ other.mT) - y
    z = (residual if loss == "l2" else residual.sign()) / 7
    full = operator.adjoint(z)
    size = (residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1)) / 7
    assert value.tolist() == pytest.approx((size / 2 if symmetric else size).tolist(), rel=1e-12)
    assert (d_left - full @ other).norm() < 1e-13 * (full.norm() * other.norm())
    assert symmetric or (d_right - full.mT @ left).norm() < 1e-13 * (full.norm() * left.norm())


def test_many_trajectories_of_one_ensemble_are_left_to_products(device, monkeypatch):
    monkeypatch.setattr(kernels, "on_device", lambda tensor: True)
    monkeypatch.setattr(kernels, "compiled", lambda *tensors: False)
    monkeypatch.setattr(dense_triton, "slope", None)
    batch = dense.dense_triton.FEWEST_PRODUCT
    operator = gaussian_symmetric(N, 5, range(batch), shared=True, device=device)
    left = drawn("left", batch, N, K).to(device)
    assert operator.gradient(left, None, operator.forward(left @ left.mT), "l2")[0].max() < 1e-25


def setting(batch, n1, n2, k, device, dtype=torch.float64):
    left, right = (drawn(name, batch, n, k) / n**0.5 for name, n in (("left", n1), ("right", n2)))
    spectrum = torch.zeros(batch, min(n1, n2), dtype=torch.float64)
    spectrum[:, : min(2, n1, n2)] = 1.5
    eta = torch.linspace(0.01, 0.03, batch, dtype=torch.float64).repeat(12, 1)
    eta *= torch.linspace(1.0, 0.5, 12, dtype=torch.float64)[:, None]
    return [each.to(device, dtype) for each in (left, right, spectrum, eta)]


def stepped(left, right, spectrum, eta):
    """The same steps, one by one and in numpy."""
    f, g, d, steps = (each.double().cpu().numpy() for each in (left, right, spectrum, eta))
    target = np.zeros((len(f), f.shape[1], g.shape[1]))
    target[:, np.arange(d.shape[1]), np.arange(d.shape[1])] = d
    for each in steps[:, :, None, None]:
        gap = f @ g.swapaxes(1, 2) - target
        f, g = f - each * gap @ g, g - each * gap.swapaxes(1, 2) @ f
    return f, g


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(("batch", "n1", "n2", "k"), [(1, 5, 5, 1), (3, 4, 7, 3), (2, 6, 3, 4), (2, 8, 8, 8)])
def test_the_loop_takes_the_steps_of_gradient_descent(batch, n1, n2, k, dtype, device):
    left, right, spectrum, eta = setting(batch, n1, n2, k, device, dtype)
    limit = 1e-14 if dtype == torch.float64 else 1e-6
    kept = left.clone(), right.clone()
    moved = population_triton.descend(left, right, spectrum, eta)
    for have, wanted in zip(moved, stepped(left, right, spectrum, eta), strict=True):
        assert have.dtype == dtype
        assert np.abs(have.double().cpu().numpy() - wanted).max() < limit
    square = spectrum.new_zeros(batch, n1)
    square[:, : spectrum.shape[1]] = spectrum
    alone, none = population_triton.descend(left, None, square, eta)
    assert none is None
    assert np.abs(alone.double().cpu().numpy() - stepped(left, left, square, eta)[0]).max() < limit
    assert torch.equal(left, kept[0])
    assert torch.equal(right, kept[1])


# The interpreter computes with numpy, which warns where a device does not.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_bit_of_a_trajectory_depends_on_its_companions_nor_on_pauses(device):
    left, _, spectrum, eta = setting(3, 5, 5, 3, device)
    left[1] *= 1e200
    together, _ = population_triton.descend(left, None, spectrum, eta)
    assert not torch.isfinite(together[1]).any()
    for i in (0, 2):
        own = slice(i, i + 1)
        halfway, _ = population_triton.descend(left[own], None, spectrum[own], eta[:5, own])
        alone, _ = population_triton.descend(halfway, None, spectrum[own], eta[5:, own])
        assert torch.equal(alone[0], together[i])


def test_the_population_operator_hands_over_what_fits(device, monkeypatch):
    monkeypatch.setattr(kernels, "on_device", lambda tensor: True)
    monkeypatch.setattr(kernels, "compiled", lambda *tensors: False)
    left, right, spectrum, eta = setting(2, 5, 5, 2, device)
    target = torch.diag_embed(spectrum)
    moved = Identity(5, device=device).descend(left, right, target.flatten(1), eta)
    for have, wanted in zip(moved, stepped(left, right, spectrum, eta), strict=True):
        assert np.abs(have.cpu().numpy() - wanted).max() < 1e-14
    target[:, 0, 1] = 1.0
    assert Identity(5, device=device).descend(left, right, target.flatten(1), eta) is None
    wide = Identity(40, device=device)
    start = drawn("start", 2, 40, 20).to(device)
    assert wide.descend(start, None, torch.zeros(2, 1600, dtype=torch.float64, device=device), eta) is None


@pytest.mark.parametrize(
    ("n", "k", "fits"), [(13, 10, True), (32, 16, True), (33, 16, False), (257, 1, False)]
)
def test_what_fits_into_a_program(n, k, fits):
    assert population_triton.pays(n, k) is fits


def resources(kernel, warps, constants, **pointers):
    """What a kernel takes of a processor of compute capability 9.0, which need not be there to compile for it."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types = dict.fromkeys(kernel.arg_names, "i32") | pointers | dict.fromkeys(constants, "constexpr")
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    options = {"num_warps": warps, "enable_fp_fusion": True}
    # As for a size that is a multiple of 16, where loads are wide.
    aligned = {(place,): [["tt.divisibility", 16]] for place in range(len(types) - len(constants))}
    source = ASTSource(kernel, types, constexprs=places, attrs=aligned)
    binary = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"]
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        command = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", file.name]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(count) for name, count in re.findall(r"(REG|STACK|LOCAL):(\d+)", shown)}


@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.parametrize(("stored", "rows", "runs"), [("fp64", 1, 1), ("fp32", 4, 4), ("bf16", 4, 1)])
def test_the_gradient_compiles_and_fits_into_registers(stored, rows, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    block = dense_triton.TILE // (rows * runs)
    constants = {"ABSOLUTE": runs > 1, "ROWS": rows, "RUNS": runs, "BLOCK": block}
    pointers = dict.fromkeys(("v", "y", "values", "slopes"), "*fp64")
    used = resources(dense_triton._fused(), dense_triton.WARPS, constants, entries=f"*{stored}", **pointers)
    assert used["STACK"] <= 8
    assert used["LOCAL"] == 0
    assert used["REG"] <= 128


@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.parametrize(("n", "k"), [(256, 4), (32, 16), (8, 4)])
def test_the_loop_compiles_and_fits_into_registers(n, k, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    assert population_triton.pays(n, k)
    pointers = dict.fromkeys(("left", "right", "spectrum", "eta"), "*fp64")
    constants = {"PAIR": True, "ROWS": n, "COLUMNS": k}
    used = resources(population_triton._loop(), population_triton.warps(n, k), constants, **pointers)
    assert used["STACK"] == used["LOCAL"] == 0


def test_doctor_says_who_serves_a_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert 'kernels.using("triton")' in kernels.report()["CUDA"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "CUDA" not in kernels.report()


def test_the_kernels_are_chosen_by_device_dtype_and_need(monkeypatch):
    class There:
        """A tensor on a device, as far as the choice looks at it."""

        device, dtype, requires_grad = torch.device("cuda", 0), torch.float64, False

    there = There()
    # No device has run these kernels yet, so that they have to be asked for.
    assert not kernels.on_device(there)
    with kernels.using("triton"):
        assert kernels.on_device(there)
        assert not kernels.compiled(there)
        assert not kernels.on_device(torch.zeros(1, dtype=torch.float64))
        for name, value, served in (
            ("dtype", torch.bfloat16, False),
            ("dtype", torch.float32, True),
            ("requires_grad", True, False),
        ):
            with monkeypatch.context() as change:
                change.setattr(there, name, value, raising=False)
                assert kernels.on_device(there) is served
        monkeypatch.setattr(kernels, "find_spec", lambda name: None)
        assert not kernels.on_device(there)
