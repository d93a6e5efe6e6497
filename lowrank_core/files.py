"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lowrank_core.errors import ArgumentError


def write_whole(path: Path, text: str) -> None:
    """Write `text` as UTF-8, through a neighbour that takes its place, or its target's, once it is whole.

    Raises:
        OSError: it cannot be written; what was there before is untouched, and nothing else is left.
    """
    path = Path(os.path.realpath(path))
    # Not named after the file, whose name may be as long as a name can be.
    descriptor, name = tempfile.mkstemp(".part", ".", path.parent)
    part = Path(name)
    try:
        with open(descriptor, "w", encoding="utf8") as file:
            file.write(text)
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def check_writable(path: str, argument: str) -> None:
    """Find out, before anything runs, whether `write_whole` could write this file; what is there stays.

    Raises:
        ArgumentError: it could not, and why.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise OSError("it is not a file")
        # A folder that can be written to would let it be replaced all the same.
        if target.exists() and not os.access(target, os.W_OK):
            raise OSError("it is read-only")
        descriptor, name = tempfile.mkstemp(".part", ".", target.parent)
        os.close(descriptor)
        Path(name).unlink()
        if not target.exists():
            target.touch()
            target.unlink()
    except (OSError, ValueError) as error:
        problem = f"it cannot be written: {getattr(error, 'strerror', None) or error}"
        fix = "name a file in a folder that exists and can be written to"
        raise ArgumentError(argument, path, problem, fix) from None


def _umask() -> int:
    """The permissions that new files of this process lack."""
    bits = os.umask(0)
    os.umask(bits)
    return bits
