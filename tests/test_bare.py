"""Torch and numpy are enough to import the core and to judge every claim."""

import json
import subprocess
import sys

import pytest

ABSENT = (
    *("matplotlib", "tqdm", "scipy", "IPython", "ipykernel", "pygments", "flint", "yaml", "numba", "cvxpy"),
    *("jupyter", "jupyter_book", "jupyter_cache", "jupyter_client", "jupyter_core"),
)
UNASKED = ("sympy", "mpmath", "matplotlib", "IPython", "tqdm", "scipy", "lowrank_core.claims")

# None in place of a module is how Python itself marks one that cannot be imported.
BLOCK = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))\n"
# One seed, because this is about what is loaded; a single seed can uphold a claim, but refutes only a bound.
RUN = """
import json
from lowrank_core import claims
results = [claims.run(claim.id, "smoke", "cpu", seeds=1).record for claim in claims.all_claims()]
print(json.dumps([(r["id"], r["control"]["fired"], r["expected"], r["verdict"]) for r in results]))
"""
LOADED = "import json, sys; {}; print(json.dumps(sorted(sys.modules)))"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_claim_is_judged_with_torch_and_numpy_alone():
    judged = python(BLOCK + RUN)
    assert judged
    for claim_id, fired, expected, verdict in judged:
        assert fired, claim_id
        assert verdict == expected or expected == "refuted", claim_id


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
    assert "lowrank_core.solve" in added
    assert [name for name in added if name.startswith(UNASKED)] == []
