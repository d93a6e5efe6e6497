"""A book of a few lines, built by the project's own tools and, for comparison, by jupyter-book alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]


@dataclass(frozen=True)
class TinyBook:
    root: Path

    def set_core(self, answer: int) -> None:
        (self.root / "lowrank_core" / "__init__.py").write_text(f"answer = {answer}\n")

    def set_pages(self, **pages: list[str]) -> None:
        """Write one page per keyword out of its code cells; `index` is the root page and only presents."""
        for name, cells in pages.items():
            front = {"file_format": "mystnb", "kernelspec": {"name": "python3"}}
            if name == "index":
                front["mystnb"] = {"execution_mode": "force"}
            body = "".join(f"```{{code-cell}}\n{cell}\n```\n\n" for cell in cells)
            (self.root / "book" / f"{name}.md").write_text(f"---\n{yaml.dump(front)}---\n# {name}\n\n{body}")
        files = [{"file": name} for name in pages if name != "index"]
        toc = {"format": "jb-book", "root": "index", "chapters": files}
        (self.root / "_toc.yml").write_text(yaml.dump(toc))

    def tool(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run the project's tool on this book."""
        tool = str(REPOSITORY / "tools" / "book.py")
        return self.shell([sys.executable, tool, command, "--root", str(self.root)])

    def jupyter_book_alone(self, config: str = "plain.yml") -> subprocess.CompletedProcess[str]:
        """Build as strictly as jupyter-book can by itself; it has a cache, but not the project's settings."""
        command = [*JUPYTER_BOOK, "build", "book", "--config", str(self.root / config)]
        command += ["--toc", str(self.root / "_toc.yml"), "--path-output", "book"]
        return self.shell([*command, "-W", "-n", "--keep-going"])

    def shell(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        ours = ("PYTEST", "LOWRANK")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {
            "PYTHONPATH": str(self.root),
            "OMP_NUM_THREADS": "1",
            "LOWRANK_RESULTS": str(self.root),  # for chapters run without the tool, which sets its own
        }
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        done.stdout = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)  # tracebacks come coloured
        return done

    def executed(self, name: str) -> Path:
        return self.root / "book" / "_build" / "jupyter_execute" / f"{name}.ipynb"

    def outputs(self, name: str) -> list[dict[str, Any]]:
        """The outputs in the executed notebook of a page, in order."""
        return [output for cell in self.cells(name) for output in cell["outputs"]]

    def cells(self, name: str) -> list[dict[str, Any]]:
        notebook = json.loads(self.executed(name).read_text())
        return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]

    def html(self, name: str) -> str:
        return (self.root / "book" / "_build" / "html" / f"{name}.html").read_text()


@pytest.fixture(scope="module")
def make_book(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], TinyBook]:
    """A factory of books without pages, under the project's own settings."""

    def make() -> TinyBook:
        root = tmp_path_factory.mktemp("tiny")
        for folder in ("book", "lowrank_core"):
            (root / folder).mkdir()
        (root / "requirements.lock").touch()
        shutil.copy(REPOSITORY / "book" / "references.bib", root / "book")
        config = yaml.safe_load((REPOSITORY / "_config.yml").read_text())
        extensions = config["sphinx"]["local_extensions"]
        config["sphinx"]["local_extensions"] = {
            name: str(REPOSITORY / path) for name, path in extensions.items()
        }
        (root / "_config.yml").write_text(yaml.dump(config))
        plain = {"only_build_toc_files": True, "execute": {"execute_notebooks": "cache"}}
        (root / "plain.yml").write_text(yaml.dump(plain))
        tiny = TinyBook(root)
        tiny.set_core(answer=41)
        return tiny

    return make


def record(**changes: Any) -> bytes:
    """What a claim that holds writes, as far as the build reads it."""
    good = {"id": "test.claim", "verdict": "holds", "expected": "holds", "control": {"fired": True}}
    return json.dumps(good | changes).encode()
