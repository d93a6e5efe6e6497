"""Torch and numpy are enough to import the core and to judge every claim that does not say otherwise."""

import json
import subprocess
import sys

import pytest

from lowrank_core.claims import all_claims
from lowrank_core.claims.claim import EXTRAS

ABSENT = (
    *("matplotlib", "tqdm", "scipy", "IPython", "ipykernel", "pygments", "flint", "yaml", "numba", "cvxpy"),
    *("triton", "jax", "pymanopt"),
    *("jupyter", "jupyter_book", "jupyter_cache", "jupyter_client", "jupyter_core"),
)
UNASKED = (
    "sympy",
    "mpmath",
    "matplotlib",
    "IPython",
    "tqdm",
    "scipy",
    "cvxpy",
    "numba",
    "triton",
    "lowrank_core.claims",
)

# None in place of a module is how Python itself marks one that cannot be imported.
BLOCK = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))\n"
# One seed, because this is about what is loaded; what the claims say is for tests/claims.
RUN = """
import json
from lowrank_core import claims
chosen = [claim.id for claim in claims.all_claims() if not claim.needs]
print(json.dumps([claims.run(claim_id, "smoke", "cpu", seeds=1).record["id"] for claim_id in chosen]))
"""
LOADED = "import json, sys; {}; print(json.dumps(sorted(sys.modules)))"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_claim_runs_with_torch_and_numpy_alone():
    ran = python(BLOCK + RUN)
    assert ran == [claim.id for claim in all_claims() if not claim.needs]
    assert len(ran) > 0.9 * len(all_claims())


def test_a_claim_that_needs_more_says_what_to_install():
    attempt = """
import json
from lowrank_core import claims
from lowrank_core.errors import ArgumentError
found = []
for claim in claims.all_claims():
    if claim.needs:
        try:
            claims.run(claim.id, "smoke", "cpu")
        except ArgumentError as error:
            found.append(str(error))
print(json.dumps(found))
"""
    messages = python(BLOCK + attempt)
    extras = {extra: sum(f"pip install -e '.[{extra}]'" in m for m in messages) for extra in EXTRAS.values()}
    assert all(extras.values())
    assert sum(extras.values()) == len(messages)


@pytest.mark.parametrize("name", ["matplotlib", "matplotlib.figure", "flint"])
def test_what_is_absent_can_neither_be_imported_nor_found(name):
    attempt = f"""
import importlib.util, json
try:
    import {name}
except ImportError:
    print(json.dumps(importlib.util.find_spec({name.partition(".")[0]!r})))
"""
    assert python(BLOCK + attempt) is None


def test_importing_the_core_loads_nothing_that_it_does_not_need():
    with_core, torch_only = (
        set(python(LOADED.format(f"import {name}"))) for name in ("lowrank_core", "torch")
    )
    added = with_core - torch_only
    assert "lowrank_core.solver" in added
    assert [name for name in added if name.startswith(UNASKED)] == []
