"""Build, replay and link-check the book: `python tools/book.py {build,validate,links}`.

Chapters run here, in parallel, and are kept in a cache named after a hash of everything that their outputs
depend on besides their own cells. Sphinx reads that cache into pages, always from scratch.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, CacheBundleOut, JupyterCacheAbstract
from jupyter_cache.cache.main import NbArtifacts
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval_text_only import compared_outputs
from tqdm import tqdm

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]


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

    @cached_property
    def cache(self) -> JupyterCacheAbstract:
        return get_cache(self.run / "cache")

    def executed(self, name: str) -> Path:
        return self.output / "jupyter_execute" / f"{name}.ipynb"


def run_key(root: Path) -> str:
    digest = hashlib.sha256(f"Python {sys.version_info[:2]} on {device_class()}".encode())
    core = sorted(path for path in (root / "lowrank_core").rglob("*") if path.suffix in (".py", ".json"))
    for file in [root / "requirements.lock", *core]:
        digest.update(f"\0{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def device_class() -> str:
    import torch  # takes a second to import, which the worker processes need not spend

    return f"cuda {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "cpu"


def find_chapters(book: Book) -> dict[str, NotebookNode]:
    """The pages that compute, by name and not yet executed.

    A page with `mystnb: {execution_mode: force}` in its front matter is not among them: it only presents what
    chapters found. Sphinx executes it while it writes the pages, so after all chapters, and on every build.
    """
    from myst_nb.core.read import is_myst_markdown_notebook, myst_nb_reader_plugin
    from sphinx_external_toc.parsing import parse_toc_yaml

    chapters = {}
    for name in parse_toc_yaml(book.root / "_toc.yml"):
        page = book.source / f"{name}.md"
        if not page.exists():
            raise BookError(f"_toc.yml lists {name}, but {page} does not exist: write it, or unlist it")
        if is_myst_markdown_notebook(page.read_text(encoding="utf8")):
            notebook = myst_nb_reader_plugin(str(page))
            if notebook.metadata.get("mystnb", {}).get("execution_mode") != "force":
                chapters[name] = notebook
    return chapters


def environment(book: Book, results: Path) -> dict[str, str]:
    """What kernels see: where claims write to, and the same threads and profile on every reader's machine."""
    profile = book.run / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Each kernel would warn that others might listen; it talks to this machine only, in signed messages.
    (profile / "ipython_kernel_config.json").write_text('{"IPKernelApp": {"log_level": "ERROR"}}')
    return {"LOWRANK_RESULTS": str(results), "IPYTHONDIR": str(profile.parent), "OMP_NUM_THREADS": "1"}


def execute(
    notebook: NotebookNode, folder: Path, variables: dict[str, str], timeout: int
) -> tuple[NotebookNode, float, str]:
    """Run a chapter's cells in a kernel of their own; the outputs, the seconds and the traceback, if any."""
    os.environ |= variables
    begin, failure = time.perf_counter(), ""
    resources = {"metadata": {"path": str(folder)}}
    try:
        # Timing would be recorded as cell metadata, by which the cache recognises cells.
        NotebookClient(notebook, timeout=timeout, resources=resources, record_timing=False).execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failure = str(error)
    return notebook, time.perf_counter() - begin, failure


def execute_missing(book: Book, chapters: dict[str, NotebookNode]) -> None:
    """Bring the cache up to date: run, in parallel, the chapters that it lacks."""
    missing = [name for name, notebook in chapters.items() if recall(book, notebook) is None]
    if not missing:
        return
    timeout = yaml.safe_load((book.root / "_config.yml").read_text())["execute"]["timeout"]
    pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"))
    running, failed = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        for name in missing:
            results = Path(scratch, name)
            results.mkdir(parents=True)
            variables, folder = environment(book, results), (book.source / name).parent
            running[pool.submit(execute, chapters[name], folder, variables, timeout)] = name, results
        try:
            for future in tqdm(as_completed(running), total=len(missing), desc="chapters", disable=None):
                name, results = running[future]
                notebook, seconds, failure = future.result()
                if failure:
                    failed.append(name)
                    tqdm.write(f"\n{name} failed:\n{failure}", file=sys.stderr)
                else:
                    tqdm.write(f"{name} executed in {seconds:.1f} s", file=sys.stderr)
                    keep(book, name, notebook, results, seconds)
        finally:
            pool.shutdown(cancel_futures=True)  # or Ctrl-C would start the chapters still waiting
    if failed:
        raise BookError(
            f"{len(failed)} of {len(chapters)} chapters failed, as shown above: {', '.join(failed)}"
        )


def keep(book: Book, name: str, notebook: NotebookNode, results: Path, seconds: float) -> None:
    """Put outputs into the cache together with what the chapter's claims wrote."""
    files = sorted(path for path in results.rglob("*") if path.is_file())
    data = {"execution_seconds": seconds, "results": [file.relative_to(results).as_posix() for file in files]}
    bundle = CacheBundleIn(notebook, name, artifacts=NbArtifacts(files, in_folder=results), data=data)
    book.cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def recall(book: Book, notebook: NotebookNode) -> CacheBundleOut | None:
    """What an earlier execution of exactly these cells left, if all of it is still there."""
    try:
        bundle = book.cache.get_cache_bundle(book.cache.match_cache_notebook(notebook).pk)
    except KeyError:
        return None
    files = sorted(path.as_posix() for path in bundle.artifacts.relative_paths)
    return bundle if files == bundle.record.data.get("results") else None


def gather(book: Book, chapters: dict[str, NotebookNode]) -> dict[str, float]:
    """Lay out afresh what the claims of the present chapters wrote; how many seconds each chapter took."""
    shutil.rmtree(book.results, ignore_errors=True)
    book.results.mkdir(parents=True)
    seconds = {}
    for name, notebook in chapters.items():
        bundle = recall(book, notebook)
        if bundle is None:
            raise BookError(f"the outputs of {name} disappeared from {book.run}: build again")
        seconds[name] = bundle.record.data["execution_seconds"]
        for path, file in bundle.artifacts:
            target = book.results / path
            if target.exists():
                raise BookError(f"{name} writes {path}, as another chapter does: run a claim in one chapter")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())
    return seconds


def prepare(book: Book) -> dict[str, float]:
    chapters = find_chapters(book)
    execute_missing(book, chapters)
    return gather(book, chapters)


def sphinx(book: Book, builder: str, output: Path) -> None:
    """Write the pages, after deleting those of earlier builds: a page shows this run or does not exist."""
    for leftover in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(output / "_build" / leftover, ignore_errors=True)
    command = [*JUPYTER_BOOK, "build", str(book.source), "--path-output", str(output), "--builder", builder]
    command += ["--config", str(book.root / "_config.yml"), "--toc", str(book.root / "_toc.yml")]
    command += ["-W", "-n", "--keep-going", "-q"]
    variables = environment(book, book.results) | {"LOWRANK_CACHE": str(book.run / "cache")}
    if subprocess.run(command, env=os.environ | variables, stdout=subprocess.DEVNULL).returncode:
        raise BookError("Sphinx failed or warned, as shown above")


def build(book: Book) -> None:
    seconds = prepare(book)
    sphinx(book, "html", book.source)
    for name, duration in seconds.items():
        print(f"{duration:8.1f} s  {name}")
    print(f"The book is ready. Open {(book.output / 'html' / 'index.html').as_uri()}")


def links(book: Book) -> None:
    """Follow every link of the book."""
    prepare(book)
    sphinx(book, "linkcheck", book.run / "links")


def validate(book: Book) -> None:
    """Run the executed chapters once more, in fresh kernels, and compare all that they print."""
    notebooks = {name: book.executed(name) for name in find_chapters(book)}
    if not notebooks:
        raise BookError("_toc.yml lists no page that computes, so there is nothing to replay")
    for name, path in notebooks.items():
        if not path.exists():
            raise BookError(f"{name} has not been built: run `python tools/book.py build` first")
        if not compared_outputs(nbformat.read(path, as_version=4)):
            raise BookError(f"replaying {name} would compare nothing: print what its verdict rests on")
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(book.output)]
    command += ["-p", "no:cacheprovider", "-p", "nbval_text_only", "--nbval", "--nbval-current-env"]
    # The cells of a chapter share a kernel, so they must share a worker; the default deals them out singly.
    command += ["-n", "2", "--dist", "loadscope", *map(str, notebooks.values())]
    with tempfile.TemporaryDirectory() as scratch:
        variables = environment(book, Path(scratch)) | {"PYTHONPATH": path_with_plugin()}
        if subprocess.run(command, env=os.environ | variables).returncode:
            raise BookError(
                "a chapter does not repeat itself: the cells above print something else each time"
            )


def path_with_plugin() -> str:
    return os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["build", "validate", "links"])
    parser.add_argument("--clean", action="store_true", help="first delete all that was executed or built")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="what holds book/")
    arguments = parser.parse_args()
    book = Book(arguments.root.resolve())
    if arguments.clean:
        shutil.rmtree(book.output, ignore_errors=True)
    try:
        {"build": build, "validate": validate, "links": links}[arguments.command](book)
    except BookError as error:
        sys.exit(f"\n{arguments.command}: {error}")


if __name__ == "__main__":
    main()
