"""A chapter computes with this checkout, this Python and these packages, or it is not shown."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import book
from book import Book, environment, execute, run_key

OURS = "from lowrank_core import answer\nprint(answer)"


def core(folder, answer):
    (folder / "lowrank_core").mkdir(parents=True)
    (folder / "lowrank_core" / "__init__.py").write_text(f"answer = {answer}\n")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose core answers 41, beside another one, 42, which the user's settings lead to."""
    here, other = tmp_path / "here", tmp_path / "other"
    core(here, 41)
    core(other, 42)
    kernel = other / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    launch = ["/bin/false", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": launch, "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(other / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", str(other))
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    return Book(here)


def test_kernels_see_only_this_checkout_and_start_from_this_python(checkout, tmp_path, monkeypatch):
    variables = environment(checkout, tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", variables["JUPYTER_PATH"])
    cell = new_code_cell(f"import sys\n{OURS}\nprint(sys.executable)\nassert False")
    notebook, _, failure = execute(checkout.root, new_notebook(cells=[cell]), tmp_path, variables, 60)
    assert notebook.cells[0].outputs[0].text == f"41\n{sys.executable}\n"
    # PYTHONOPTIMIZE would have skipped it.
    assert "AssertionError" in failure
    assert len(notebook.cells) == 1


def test_a_chapter_that_finds_another_core_fails(checkout, tmp_path, monkeypatch):
    variables = environment(checkout, tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", variables["JUPYTER_PATH"])
    other = tmp_path / "other"
    cell = new_code_cell(f"import sys\nsys.path.insert(0, {str(other)!r})\n{OURS}")
    _, _, failure = execute(checkout.root, new_notebook(cells=[cell]), tmp_path, variables, 60)
    assert failure.startswith(f"its kernel computed with {other}")


def test_the_key_holds_what_is_installed_and_every_switch_that_changes_numbers(tmp_path, monkeypatch):
    core(tmp_path, 41)
    keys = [run_key(tmp_path)]
    assert run_key(tmp_path) == keys[0]
    for name in ("LOWRANK_KERNELS", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "OMP_SCHEDULE", "MKL_CBWR"):
        monkeypatch.setenv(name, "1")
        keys.append(run_key(tmp_path))
    there = list(book.importlib.metadata.distributions())
    monkeypatch.setattr(book.importlib.metadata, "distributions", lambda: there[1:])
    keys.append(run_key(tmp_path))
    core(tmp_path / "lowrank_core" / "x", 41)
    keys.append(run_key(tmp_path))
    assert len(set(keys)) == len(keys)


def test_threads_are_those_of_the_build_and_not_of_the_shell(tmp_path, monkeypatch):
    core(tmp_path, 41)
    key = run_key(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    assert run_key(tmp_path) == key
    assert environment(Book(tmp_path), tmp_path)["OMP_NUM_THREADS"] == "1"


FOLLOWED = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import child
child.run("import os, time; print(os.getpid(), flush=True); time.sleep(60)", [], os.environ)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks /proc which processes there are")
def test_sphinx_and_the_replay_end_with_the_tool_even_if_it_is_killed():
    tools = str(Path(book.__file__).parent)
    with subprocess.Popen([sys.executable, "-c", FOLLOWED, tools], stdout=subprocess.PIPE, text=True) as tool:
        child_id = int(tool.stdout.readline())
        tool.kill()
        # The pipe ends when nobody writes to it any more.
        assert tool.stdout.read() == ""
    status, deadline = Path(f"/proc/{child_id}/stat"), time.monotonic() + 30
    while (alive := status.exists() and status.read_text().split()[2] != "Z") and time.monotonic() < deadline:
        time.sleep(0.1)  # it closes the pipe a moment before it is gone
    assert not alive


def test_a_second_build_waits_and_says_so(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    waits = "import sys; sys.path.insert(0, sys.argv[1]); import book, pathlib\n"
    waits += "with book.alone(book.Book(pathlib.Path(sys.argv[2]))): print('mine')"
    arguments = [sys.executable, "-c", waits, str(Path(book.__file__).parent), str(tmp_path)]
    held = Book(tmp_path).output
    held.mkdir(parents=True)
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "is running: waiting for its end" in second.stderr.readline()
        assert second.poll() is None
    assert second.communicate() == ("mine\n", "")


def test_clean_and_failed_builds_leave_no_pages(tmp_path):
    tiny = Book(tmp_path)
    for folder in ("html", "jupyter_execute", "run-0"):
        (tiny.output / folder).mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: nothing\n")
    with pytest.raises(book.BookError, match="does not exist: write it, or unlist it"):
        book.build(tiny)
    assert [path.name for path in tiny.output.iterdir()] == ["run-0"]
    book.clean(tiny)
    assert os.listdir(tiny.output) == []


def test_outputs_are_notebooks_that_any_reader_opens(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("1")])
    book.outputs.keep(tmp_path, "a", book.Kept(notebook, {}, 1.0))
    nbformat.validate(book.outputs.recall(tmp_path, "a", notebook).notebook)
