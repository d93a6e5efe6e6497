"""The book can go red: each known way to a green book that is wrong is shown first, and then shown closed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable

import pytest

from .conftest import TinyBook

MakeBook = Callable[[], TinyBook]

# A chapter's claim, in short: it writes what it found where the ledger will look.
CLAIM = """
import json, os, pathlib
from lowrank_core import answer
pathlib.Path(os.environ["LOWRANK_RESULTS"], "{claim}.json").write_text(json.dumps(answer))
print("the answer is", answer)
"""
REFUTED = """
class ClaimRefuted(Exception): pass
raise ClaimRefuted("measured 2, predicted 1")
"""
LEDGER = """
import os, pathlib
found = sorted(pathlib.Path(os.environ["LOWRANK_RESULTS"]).glob("*.json"))
print("ledger:", *[f"{file.stem} = {file.read_text()}" for file in found])
"""


@pytest.fixture(scope="module")
def built(make_book: MakeBook) -> TinyBook:
    """A built book whose chapter is long enough for its cells to be torn apart."""
    tiny = make_book()
    steps = [f"x{i} = x{i - 1} + 1\nprint(x{i})" for i in range(1, 12)]
    tiny.set_pages(index=[LEDGER], chapter=[CLAIM.format(claim="one"), "x0 = 0", *steps])
    build = tiny.tool("build")
    assert build.returncode == 0, build.stdout
    return tiny


@pytest.fixture
def copy(built: TinyBook, make_book: MakeBook) -> TinyBook:
    """The built book again, to be tampered with."""
    tiny = make_book()
    shutil.copytree(built.root, tiny.root, dirs_exist_ok=True)
    return tiny


def replay(notebook: str, *options: str) -> list[str]:
    """nbval as one would call it without knowing of the traps."""
    return [sys.executable, "-m", "pytest", "-c", os.devnull, "--nbval", *options, notebook]


class TestStaleNumbers:
    """Trap 1: jupyter-cache knows a chapter by its cells, so a new core leaves the old numbers in place."""

    @pytest.mark.slow
    def test_jupyter_book_alone_shows_what_the_old_core_found(self, make_book: MakeBook) -> None:
        tiny = make_book()
        tiny.set_pages(index=[], chapter=["from lowrank_core import answer\nprint('the answer is', answer)"])
        assert tiny.jupyter_book_alone().returncode == 0
        tiny.set_core(answer=42)
        shutil.rmtree(tiny.root / "book" / "_build" / "html")
        assert tiny.jupyter_book_alone().returncode == 0
        assert "the answer is 41" in tiny.html("chapter")

    @pytest.mark.slow
    def test_a_new_core_is_shown_in_chapters_and_in_the_ledger(self, copy: TinyBook) -> None:
        assert "the answer is 41" in copy.html("chapter")
        assert "ledger: one = 41" in copy.html("index")
        copy.set_core(answer=42)
        build = copy.tool("build")
        assert build.returncode == 0, build.stdout
        assert "the answer is 42" in copy.html("chapter")
        assert "ledger: one = 42" in copy.html("index")

    def test_jupyter_book_alone_refuses_our_settings(self, copy: TinyBook) -> None:
        build = copy.jupyter_book_alone(config="_config.yml")
        assert build.returncode == 1
        assert "build with `make book`" in build.stdout


class TestVacuousReplay:
    """Trap 2: a notebook without outputs passes every replay, because there is nothing to compare."""

    def test_nbval_alone_passes_a_notebook_that_lost_its_outputs(self, copy: TinyBook) -> None:
        notebook = json.loads(copy.executed("chapter").read_text())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        copy.executed("chapter").write_text(json.dumps(notebook))
        assert copy.shell(replay(str(copy.executed("chapter")))).returncode == 0
        validation = copy.tool("validate")
        assert validation.returncode == 1
        assert "replaying chapter would compare nothing" in validation.stdout

    @pytest.mark.slow
    def test_jupyter_book_alone_loses_the_outputs_of_cached_chapters(self, make_book: MakeBook) -> None:
        tiny = make_book()
        tiny.set_pages(index=[], chapter=["print(1)"])
        assert tiny.jupyter_book_alone().returncode == 0
        assert tiny.outputs("chapter")
        shutil.rmtree(tiny.root / "book" / "_build" / ".doctrees")
        assert tiny.jupyter_book_alone().returncode == 0
        assert not tiny.outputs("chapter")

    def test_executed_notebooks_have_outputs_and_can_be_downloaded(self, built: TinyBook) -> None:
        assert len(built.outputs("chapter")) == 12
        download = built.root / "book" / "_build" / "html" / "_sources" / "chapter.ipynb"
        first, *cells = json.loads(download.read_text())["cells"]
        assert "make env" in "".join(first["source"])
        assert cells == json.loads(built.executed("chapter").read_text())["cells"]
        assert "_sources/chapter.ipynb" in built.html("chapter")

    def test_a_replay_refuses_other_outputs(self, copy: TinyBook) -> None:
        text = copy.executed("chapter").read_text()
        copy.executed("chapter").write_text(text.replace("the answer is 41", "the answer is 40"))
        validation = copy.tool("validate")
        assert validation.returncode == 1
        assert "the answer is 40" in validation.stdout

    def test_pictures_alone_are_nothing_to_compare(self, copy: TinyBook) -> None:
        notebook = json.loads(copy.executed("chapter").read_text())
        picture = {"image/png": "", "text/plain": "<Figure size 640x480 with 1 Axes>"}
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                output.clear()
                output |= {"output_type": "display_data", "metadata": {}, "data": picture}
        copy.executed("chapter").write_text(json.dumps(notebook))
        validation = copy.tool("validate")
        assert validation.returncode == 1
        assert "compare nothing" in validation.stdout


class TestGreenOnTheSecondBuild:
    """Trap 3: a failing cell is only a warning, and warnings are given only when a page is read."""

    @pytest.mark.slow
    def test_jupyter_book_alone_fails_once(self, make_book: MakeBook) -> None:
        tiny = make_book()
        tiny.set_pages(index=[], chapter=[REFUTED])
        assert [tiny.jupyter_book_alone().returncode for _ in range(2)] == [1, 0]

    @pytest.mark.slow
    def test_a_refuted_claim_fails_every_build(self, copy: TinyBook) -> None:
        copy.set_pages(index=[LEDGER], chapter=[REFUTED])
        for _ in range(2):
            build = copy.tool("build")
            assert build.returncode == 1
            assert "ClaimRefuted: measured 2, predicted 1" in build.stdout
            assert "1 of 1 chapters failed, as shown above: chapter" in build.stdout

    @pytest.mark.slow
    def test_a_failing_page_of_results_fails_every_build(self, copy: TinyBook) -> None:
        copy.set_pages(index=[REFUTED], chapter=[CLAIM.format(claim="one")])
        for _ in range(2):
            build = copy.tool("build")
            assert build.returncode == 1
            assert "ClaimRefuted: measured 2, predicted 1" in build.stdout


class TestCellsTornApart:
    """Trap 4: by default, pytest-xdist deals the cells of one notebook out to several kernels."""

    def test_cells_need_to_stay_together(self, built: TinyBook) -> None:
        notebook = str(built.executed("chapter"))
        apart = built.shell(replay(notebook, "-n", "2"))
        assert apart.returncode == 1
        assert "NameError" in apart.stdout
        validation = built.tool("validate")
        assert validation.returncode == 0, validation.stdout


class TestResults:
    """What the ledger shows is what the chapters of this very book wrote: no more, and no less."""

    @pytest.mark.slow
    def test_lost_results_are_computed_again(self, copy: TinyBook) -> None:
        for lost in copy.root.glob("book/_build/run-*/**/one.json"):
            lost.unlink()
        build = copy.tool("build")
        assert build.returncode == 0, build.stdout
        assert "ledger: one = 41" in copy.html("index")

    @pytest.mark.slow
    def test_results_of_dropped_claims_are_forgotten(self, copy: TinyBook) -> None:
        copy.set_pages(index=[LEDGER], chapter=[CLAIM.format(claim="two")])
        build = copy.tool("build")
        assert build.returncode == 0, build.stdout
        assert "ledger: two = 41" in copy.html("index")

    def test_a_claim_stands_in_one_chapter(self, copy: TinyBook) -> None:
        claim = CLAIM.format(claim="one")
        copy.set_pages(index=[LEDGER], chapter=[claim], another=[claim, "again = True"])
        build = copy.tool("build")
        assert build.returncode == 1
        assert "another writes one.json, as another chapter does" in build.stdout
