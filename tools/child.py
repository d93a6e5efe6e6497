"""Run a program that does not outlive this process, however this one ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

# Standard input is a pipe that only the parent holds open: its end means that the parent is gone. pytest puts
# another file into the place of standard input, hence the copy.
FOLLOW = """
import os, signal, sys, threading
def follow(parent=os.dup(0)):
    os.read(parent, 1)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)
threading.Thread(target=follow, daemon=True).start()
"""


def run(code: str, arguments: Sequence[str], environment: Mapping[str, str], **options: Any) -> int:
    """The exit status of Python code, run by this very Python in a group of processes of its own."""
    command = [sys.executable, "-c", FOLLOW + code, *arguments]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, start_new_session=True, **options
    ) as process:
        try:
            return process.wait()
        except BaseException:
            assert process.stdin
            process.stdin.close()
            process.wait()
            raise
