"""What a program owes to a terminal: characters it can show, one line for Ctrl-C, no word about a closed pipe."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable

INTERRUPTED = 130
"""Exit status of a program that was interrupted, as shells count it."""
CRASHED = 3
"""Exit status of a program that met an error of its own."""
CLOSED = 141
"""Exit status of a program whose output nobody reads, as shells count it."""


def program(main: Callable[[], int | None]) -> int:
    """Run a program; its exit status.

    Characters that the terminal's encoding lacks are shown by a substitute. Ctrl-C prints one line, a closed pipe
    nothing. An error that nobody foresaw has a status of its own, so that no other status is mistaken for it.
    """
    if sys.stderr is None:
        # Closed by the shell; print would take standard output in its place.
        sys.stderr = open(os.devnull, "w", encoding="utf8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        status = main() or 0
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        return status
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return CLOSED
    except Exception:
        traceback.print_exc()
        return CRASHED
