"""Renew requirements.hashes from requirements.lock: `python tools/lock_hashes.py`, after every change of the lock.

Asks uv (`pip install uv`; the lock has no need of it) for the hash of every file of every pinned version on the
index that uv is set to. Left out is torch, which some indexes serve as a file of their own and which brings
libraries that the lock does not list, and its triton.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from lowrank_core.files import write_whole
from lowrank_core.terminal import program

ROOT = Path(__file__).parent.parent
UNHASHED = {"torch", "triton"}
HEADER = """\
# The files that `make env` accepts for requirements.lock, but torch and its triton, on any system and Python.
# Written by `python tools/lock_hashes.py`; tests/test_environment.py holds it to the lock.
"""
COMMAND = "uv pip compile - --no-deps --generate-hashes --no-header --no-annotate --quiet"


def main() -> None:
    if shutil.which("uv") is None:
        sys.exit("uv is not installed: `pip install uv`")
    lines = (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    hashed = "\n".join(pin for pin in pins if Requirement(pin).name not in UNHASHED)
    asked = [*COMMAND.split(), "--python", sys.executable]
    made = subprocess.run(asked, input=hashed, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        sys.exit("uv found no hashes for the lock; requirements.hashes stays as it was")
    write_whole(ROOT / "requirements.hashes", HEADER + made.stdout)


if __name__ == "__main__":
    sys.exit(program(main))
