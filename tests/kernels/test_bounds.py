"""The compiled kernels stay inside their arrays: with every index checked they give what they always give."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.linalg import operator_norm
from lowrank_core.sensing import gaussian, gaussian_symmetric, rank_one, rank_one_symmetric, sampled
from lowrank_core.sensing.entries import sampled_symmetric
from lowrank_core.sensing.gram import Gram

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="needs numba")
SEEDS = [0, 1]
SIZES = {"multiples of four": (8, 4, 24, 4), "rests of one and three": (7, 5, 21, 3)}
"""n1, n2, m and k: the kernels take four at a time, and what remains has lines of its own."""
CHECKED = {"NUMBA_BOUNDSCHECK": "1", "OMP_NUM_THREADS": "1"}
OUT_OF_RANGE = """
import numpy as np
from lowrank_core.kernels.jit import jit
def beyond(values):
    return values[values.shape[0]]
jit(beyond, "float64(float64[::1])", "beyond")(np.zeros(3))
"""


def calls(n1, n2, m, k):
    """One call of each kind of kernel, name -> tensors; the loops take 40 s to compile with checks."""
    x, pair = gaussian_start(n1, k, 1.0, SEEDS), imbalanced_start(n1, n2, k, 1.0, 0.5, SEEDS)
    symmetric = {
        "dense": gaussian_symmetric(n1, m, SEEDS),
        "rank one": rank_one_symmetric(n1, m, SEEDS, centred=True),
        "entries": sampled_symmetric(n1, m, SEEDS),
    }
    wide = {
        "dense, pair": gaussian(n1, n2, m, SEEDS),
        "rank one, pair": rank_one(n1, n2, m, SEEDS),
        "entries, pair": sampled(n1, n2, m, SEEDS),
    }
    found = {}
    for operators, factors in ((symmetric, x), (wide, pair)):
        for name, operator in operators.items():
            y = operator.forward_factors(factors.left, factors.right if factors.right is not None else x.left)
            for loss in ("l2", "l1"):
                found[f"{name}, {loss}"] = operator.gradient(*factors, 0.5 * y, loss)
        dense = next(iter(operators.values()))
        y = torch.ones(2, m, dtype=torch.float64)
        found[f"{dense}, along"] = dense.along(*factors, *factors)
        found[f"{dense}, A*A"] = Gram(dense, y).gradient(*factors, y, "l2", False)
    found["norm"] = (operator_norm(x.product(), symmetric=True),)
    return {
        name: [each for each in tensors if each is not None] for name, tensors in found.items() if tensors
    }


def everything():
    return {
        f"{size}: {name}": found for size, sides in SIZES.items() for name, found in calls(*sides).items()
    }


def run(code, folder, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", *code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::lowrank_core.errors.UnseenWarning")
def test_no_kernel_leaves_its_arrays(tmp_path):
    code = [__file__, str(tmp_path / "found.pt")]
    tried = run(code, tmp_path / "cache", **CHECKED)
    assert tried.returncode == 0, tried.stderr[-2000:]
    checked = torch.load(tmp_path / "found.pt")
    with kernels.using("torch"):
        expected = everything()
    plain = everything()
    assert checked.keys() == plain.keys()
    assert len(checked) == 2 * 17
    for name, tensors in checked.items():
        for mine, theirs in zip(tensors, plain[name], strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12, msg=name)
        for mine, theirs in zip(tensors, expected.get(name, tensors), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10, msg=name)
    kept = {path.name for path in (tmp_path / "cache").rglob("*.nbi")}
    assert len(kept) >= 10
    assert all("_checked" in name for name in kept)


def test_checked_code_and_unchecked_are_kept_apart(tmp_path):
    for environment, found in ((CHECKED, True), ({"NUMBA_BOUNDSCHECK": "0"}, False), (CHECKED, True)):
        tried = run(["-c", OUT_OF_RANGE], tmp_path, **environment)
        assert ("IndexError" in tried.stderr) is found, tried.stderr[-500:]


if __name__ == "__main__":
    torch.save(everything(), sys.argv[1])
