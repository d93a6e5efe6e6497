"""Build, replay and link-check the book: `python tools/book.py {build,validate,links}`.

Chapters run here, in parallel, and what they leave is kept under a hash of everything that it depends on besides
their own cells. Sphinx reads it into pages, always from scratch, and they take the place of the old ones only
when all of them are right.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import child
import nbformat
import outputs
import yaml
from chapters import claims_of, code_cells, faults, presents, read_page
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval_text_only import compared_outputs
from outputs import Kept
from tqdm import tqdm

JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
PYTEST = "import pytest; sys.exit(pytest.console_main())"
WHICH_CORE = "import sys; print(getattr(sys.modules.get('lowrank_core'), '__file__', ''))"
SWITCHES = (
    "LOWRANK_KERNELS",
    "NUMBA_",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "TORCH_",
    "CUBLAS_",
    "CUDA_",
    "PYTORCH_",
)
"""Beginnings of environment variables by which numbers may change."""
SET_HERE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
PAGES = ("html", "jupyter_execute")
"""Folders of `_build` that readers and the replay look at."""


class BookError(Exception):
    """The book is wrong; the message says where, and what to do about it."""


@dataclass(frozen=True)
class Book:
    """Where things are, from the folder that holds `book/`, `lowrank_core/`, `_config.yml` and `_toc.yml`."""

    root: Path

    @property
    def source(self) -> Path:
        return self.root / "book"

    @property
    def output(self) -> Path:
        return self.source / "_build"

    @cached_property
    def run(self) -> Path:
        """The folder of this core, these packages, this Python and this device; nothing else writes to it."""
        return self.output / f"run-{run_key(self.root)}"

    @property
    def results(self) -> Path:
        return self.run / "results"

    @property
    def kept(self) -> Path:
        """What chapters left, each with its hashes."""
        return self.run / "chapters"

    @property
    def cache(self) -> Path:
        """The same in the form that Sphinx reads, laid out afresh for every build."""
        return self.run / "cache"

    def executed(self, name: str) -> Path:
        return self.output / "jupyter_execute" / f"{name}.ipynb"


def run_key(root: Path) -> str:
    """A hash of the core, of the packages that are installed, of Python, of the device, and of the switches."""
    digest = hashlib.sha256(f"Python {sys.version} on {device_class()}".encode())
    packages = sorted({f"{found.name}=={found.version}" for found in importlib.metadata.distributions()})
    switches = sorted(
        f"{name}={value}" for name, value in clean_environment().items() if name.startswith(SWITCHES)
    )
    digest.update("\0".join([*packages, *switches]).encode())
    core = sorted(path for path in (root / "lowrank_core").rglob("*") if path.suffix in (".py", ".json"))
    for file in core:
        digest.update(f"\0{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def device_class() -> str:
    import torch  # takes a second to import, which the worker processes need not spend

    return f"cuda {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "cpu"


def find_chapters(book: Book) -> dict[str, NotebookNode]:
    """The pages that compute, by name and not yet executed, but for those that only present what chapters found.

    Raises:
        BookError: a page is missing, or could look right while it is wrong.
    """
    from sphinx_external_toc.parsing import parse_toc_yaml

    chapters, wrong = {}, []
    for name in parse_toc_yaml(book.root / "_toc.yml"):
        page = book.source / f"{name}.md"
        if not page.exists():
            raise BookError(f"_toc.yml lists {name}, but {page} does not exist: write it, or unlist it")
        notebook = read_page(page)
        if notebook is None:
            continue
        wrong += [f"{name}: {fault}" for fault in faults(notebook)]
        if not presents(notebook):
            chapters[name] = notebook
    if wrong:
        raise BookError("\n".join(wrong))
    return chapters


def clean_environment() -> dict[str, str]:
    """The variables of this process, less those by which Python or a kernel would find other code, or skip some."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "JUPYTER", "IPYTHON"))
    }
    return kept | SET_HERE


def environment(book: Book, results: Path) -> dict[str, str]:
    """What kernels see: this Python and this checkout, where claims write to, one thread and one profile."""
    profile = book.run / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Each kernel would warn that others might listen; it talks to this machine only, in signed messages.
    (profile / "ipython_kernel_config.json").write_text(
        '{"IPKernelApp": {"log_level": "ERROR"}}', encoding="utf8"
    )
    # Whatever other kernels of this name there are, this one is found first.
    kernel = book.run / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": launch, "display_name": "Python 3", "language": "python"}
    kernel.write_text(json.dumps(specification), encoding="utf8")
    return clean_environment() | {
        "LOWRANK_RESULTS": str(results),
        "IPYTHONDIR": str(profile.parent),
        "JUPYTER_PATH": str(kernel.parents[2]),
        "PYTHONPATH": str(book.root),
        "PYTHONNOUSERSITE": "1",
    }


@contextlib.contextmanager
def alone(book: Book) -> Iterator[None]:
    """No other build or replay of this book works inside the block; a second one waits, and says so."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    book.output.mkdir(parents=True, exist_ok=True)
    # The system takes the lock back when this process ends, however it does.
    with (book.output / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                "another build or replay of this book is running: waiting for its end",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clean(book: Book) -> None:
    """Delete all that was executed or built."""
    for path in book.output.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def withdraw(book: Book) -> None:
    """Delete the pages of earlier builds: a page shows this run or does not exist."""
    for leftover in PAGES:
        shutil.rmtree(book.output / leftover, ignore_errors=True)


def execute(
    root: Path, notebook: NotebookNode, folder: Path, variables: dict[str, str], timeout: int
) -> tuple[NotebookNode, float, str]:
    """Run a chapter's cells in a kernel of their own; the outputs, the seconds and what failed, if anything."""
    begin, failure = time.perf_counter(), ""
    probe = nbformat.v4.new_code_cell(WHICH_CORE)
    notebook.cells.append(probe)
    # Timing would be recorded as cell metadata, by which chapters are recognised.
    client = NotebookClient(
        notebook,
        timeout=timeout,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        force_raise_errors=True,
        coalesce_streams=True,  # or a busy machine would cut what a cell prints into pieces
    )
    try:
        client.execute(env=variables)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failure = str(error)
    notebook.cells.pop()
    core = "".join(output.get("text", "") for output in probe.outputs).strip()
    if core and not Path(core).resolve().is_relative_to(root.resolve()):
        failure = f"its kernel computed with {core}, which is not under {root}"
    return notebook, time.perf_counter() - begin, failure


def execute_missing(book: Book, chapters: dict[str, NotebookNode]) -> None:
    """Run, in parallel, the chapters of which nothing is kept."""
    missing = [
        name for name, notebook in chapters.items() if outputs.recall(book.kept, name, notebook) is None
    ]
    if not missing:
        return
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf8"))
    timeout = config["execute"]["timeout"]
    # Threads are enough: all work is done in the kernels. They look for specifications where this process does.
    os.environ["JUPYTER_PATH"] = environment(book, book.results)["JUPYTER_PATH"]
    pool = ThreadPoolExecutor(os.cpu_count())
    running, failed = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        jobs = []
        for name in missing:
            results = Path(scratch, name)
            results.mkdir(parents=True)
            jobs.append((name, results, environment(book, results)))
        for name, results, variables in jobs:
            folder = (book.source / name).parent
            job = pool.submit(execute, book.root, chapters[name], folder, variables, timeout)
            running[job] = name, results
        try:
            for future in tqdm(as_completed(running), total=len(missing), desc="chapters", disable=None):
                name, results = running[future]
                notebook, seconds, failure = future.result()
                if failure:
                    failed.append(name)
                    tqdm.write(f"\n{name} failed:\n{failure}", file=sys.stderr)
                else:
                    tqdm.write(f"{name} executed in {seconds:.1f} s", file=sys.stderr)
                    outputs.keep(book.kept, name, Kept(notebook, files_in(results), seconds))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # or Ctrl-C would start the chapters still waiting
    if failed:
        raise BookError(
            f"{len(failed)} of {len(chapters)} chapters failed, as shown above: {', '.join(failed)}"
        )


def files_in(folder: Path) -> dict[str, bytes]:
    """The content of every file under a folder, by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def gather(book: Book, chapters: dict[str, NotebookNode]) -> dict[str, float]:
    """Lay out afresh what the present chapters left, for the ledger and for Sphinx; the seconds of each chapter.

    Raises:
        BookError: a verdict is not the expected one, or its page does not require it.
    """
    shutil.rmtree(book.results, ignore_errors=True)
    shutil.rmtree(book.cache, ignore_errors=True)
    book.results.mkdir(parents=True)
    seconds: dict[str, float] = {}
    for name, notebook in chapters.items():
        kept = outputs.recall(book.kept, name, notebook)
        if kept is None:
            raise BookError(f"the outputs of {name} disappeared from {book.run}: build again")
        seconds[name] = kept.seconds
        check_records(name, notebook, kept.results)
        for path, content in kept.results.items():
            target = book.results / path
            if target.exists():
                raise BookError(f"{name} writes {path}, as another chapter does: run a claim in one chapter")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        bundle = CacheBundleIn(kept.notebook, name)
        get_cache(book.cache).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return seconds


def verdict(content: bytes) -> tuple[str, str]:
    """(id of a claim, its verdict in words) of what a chapter wrote; empty if it is no record of a claim."""
    record = json.loads(content)
    if not isinstance(record, dict) or "verdict" not in record:
        return "", ""
    fired = "" if record["control"]["fired"] else ", and its control did not fire"
    return record["id"], f"{record['verdict']}, expected {record['expected']}{fired}"


def check_records(name: str, notebook: NotebookNode, results: Mapping[str, bytes]) -> None:
    """Refuse a chapter by the records of its claims, whatever its cells made of them."""
    _, shown = claims_of([cell.source for cell in code_cells(notebook)])
    for claim_id, words in filter(any, map(verdict, results.values())):
        found, _, expected = words.partition(", expected ")
        if found != expected:
            raise BookError(f"{name}: {claim_id}: {words}: no page shows that")
        if claim_id not in shown:
            raise BookError(f"{name} runs {claim_id} and never requires it: end a cell with its require()")


def prepare(book: Book) -> dict[str, float]:
    chapters = find_chapters(book)
    execute_missing(book, chapters)
    return gather(book, chapters)


def sphinx(book: Book, builder: str, output: Path) -> Path:
    """Write all pages into an empty folder; where they are."""
    shutil.rmtree(output, ignore_errors=True)
    arguments = ["build", str(book.source), "--path-output", str(output), "--builder", builder]
    arguments += ["--config", str(book.root / "_config.yml"), "--toc", str(book.root / "_toc.yml")]
    arguments += ["-W", "-n", "--keep-going", "-q"]
    variables = environment(book, book.results) | {"LOWRANK_CACHE": str(book.cache)}
    if child.run(JUPYTER_BOOK, arguments, variables, stdout=subprocess.DEVNULL):
        raise BookError("Sphinx failed or warned, as shown above")
    return output / "_build"


def build(book: Book) -> None:
    withdraw(book)
    seconds = prepare(book)
    pages = sphinx(book, "html", book.run / "pages")
    for folder in PAGES:
        if (pages / folder).exists():
            (pages / folder).replace(book.output / folder)
    for name, duration in seconds.items():
        print(f"{duration:8.1f} s  {name}")
    print(f"The book is ready. Open {(book.output / 'html' / 'index.html').as_uri()}")


def links(book: Book) -> None:
    """Follow every link of the book."""
    prepare(book)
    sphinx(book, "linkcheck", book.run / "links")


def validate(book: Book) -> None:
    """Run the executed chapters once more, in fresh kernels, and compare all that they print and every verdict."""
    chapters = find_chapters(book)
    if not chapters:
        raise BookError("_toc.yml lists no page that computes, so there is nothing to replay")
    written: dict[str, bytes] = {}
    for name, notebook in chapters.items():
        path = book.executed(name)
        kept = outputs.recall(book.kept, name, notebook)
        if not path.exists() or kept is None:
            raise BookError(f"{name} has not been built as it is now: run `python tools/book.py build` first")
        if not compared_outputs(nbformat.read(path, as_version=4)):
            raise BookError(f"replaying {name} would compare nothing: print what its verdict rests on")
        check_records(name, notebook, kept.results)
        written |= kept.results
    if files_in(book.results) != written:
        raise BookError(f"the records in {book.results} are not those that the chapters wrote: build again")
    arguments = ["-q", "-c", os.devnull, "--rootdir", str(book.output)]
    arguments += ["-p", "no:cacheprovider", "-p", "nbval_text_only", "--nbval", "--nbval-current-env"]
    # The cells of a chapter share a kernel, so they must share a worker; the default deals them out singly.
    arguments += ["-n", "2", "--dist", "loadscope", *(str(book.executed(name)) for name in chapters)]
    with tempfile.TemporaryDirectory() as scratch:
        variables = environment(book, Path(scratch))
        variables["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)
        if child.run(PYTEST, arguments, variables):
            raise BookError(
                "a chapter does not repeat itself: the cells above print something else each time"
            )
        again = files_in(Path(scratch))
    for record in sorted(written.keys() | again.keys()):
        before, after = (
            verdict(found[record]) if record in found else "nothing" for found in (written, again)
        )
        if before != after:
            raise BookError(f"a chapter does not repeat itself: {record} was {before} and is now {after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["build", "validate", "links"])
    parser.add_argument("--clean", action="store_true", help="first delete all that was executed or built")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="what holds book/")
    arguments = parser.parse_args()
    book = Book(arguments.root.resolve())
    try:
        with alone(book):
            if arguments.clean:
                clean(book)
            {"build": build, "validate": validate, "links": links}[arguments.command](book)
    except BookError as error:
        sys.exit(f"\n{arguments.command}: {error}")
    except OSError as error:
        sys.exit(f"\n{arguments.command}: {error}")
    except KeyboardInterrupt:
        print(f"\n{arguments.command}: interrupted", file=sys.stderr, flush=True)
        os._exit(130)  # without waiting for the cells that run: kernels end with this process


if __name__ == "__main__":
    main()
