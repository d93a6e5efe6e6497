"""A chapter of the real book cannot be built once a claim of the real core is refuted."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from .conftest import REPOSITORY, TinyBook

VERDICT = """
from lowrank_core import claims
claims.run("xiong2024.riccati", scale="smoke").require()
"""
# The rate of the kernel in the proof: with 3 instead of 2, the closed form no longer solves the equation.
RIGHT, WRONG = "(weight * growth**2)", "((weight + 1) * growth**2)"


@pytest.mark.slow
@pytest.mark.parametrize("broken", [False, True])
def test_a_refuted_claim_fails_the_build(make_book: Callable[[], TinyBook], broken: bool) -> None:
    tiny = make_book()
    shutil.rmtree(tiny.root / "lowrank_core")
    shutil.copytree(REPOSITORY / "lowrank_core", tiny.root / "lowrank_core")
    if broken:
        proof = tiny.root / "lowrank_core" / "proofs" / "riccati.py"
        text = proof.read_text()
        assert text.count(RIGHT) == 1
        proof.write_text(text.replace(RIGHT, WRONG))
    tiny.set_pages(index=["print('nothing to show')"], chapter=[VERDICT])
    build = tiny.tool("build")
    assert build.returncode == (1 if broken else 0), build.stdout
    if broken:
        assert "UnexpectedVerdict: xiong2024.riccati: refuted" in build.stdout
    else:
        assert "xiong2024.riccati: holds" in tiny.executed("chapter").read_text()
