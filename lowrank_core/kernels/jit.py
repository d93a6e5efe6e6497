"""How the kernels are compiled, and where the result is kept."""

from __future__ import annotations

import functools
import hashlib
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be reordered and multiply-adds rounded once; NaN and infinity keep their meaning."""

UNKEPT = (
    "kept nowhere, because no folder for it can be written: every process compiles anew, for tens of seconds; "
    "let NUMBA_CACHE_DIR name a folder that can be written"
)


def jit(function: Callable[..., Any], signature: str, name: str) -> Any:
    """A plain function of module level, compiled for one signature.

    Each signature is kept in files of its own `name`: processes that compile side by side then write the same
    content under the same name, where an index shared by several signatures could come to name the code of another
    one. Where no directory can be written, code is compiled anew in every process, and a warning says so once.
    NUMBA_CACHE_DIR names another directory.

    With NUMBA_BOUNDSCHECK=1 every index is checked, at the cost of most of the speed, and is kept apart: numba
    itself would take code that was compiled without checks for code with them.
    """
    import numba

    name = f"{name}_{_sources()}{'_checked' if getattr(numba.config, 'BOUNDSCHECK', None) else ''}"
    copy = types.FunctionType(function.__code__, function.__globals__, name)
    copy.__qualname__, copy.__module__ = name, function.__module__

    def compiled(cache: bool) -> Any:
        return numba.njit(
            signature, fastmath=REORDERED, nogil=True, boundscheck=False, error_model="numpy", cache=cache
        )(copy)

    try:
        return compiled(cache=True)
    except (OSError, RuntimeError):
        # No writable directory, or a full disk.
        _warn()
        return compiled(cache=False)


@functools.cache
def _warn() -> None:
    warnings.warn(f"compiled code is {UNKEPT}", RuntimeWarning, stacklevel=4)


def kept_in() -> str:
    """Where compiled code is kept, in words: for `doctor`."""
    from numba.core.caching import FunctionCache

    try:
        return f"kept in {FunctionCache(jit).cache_path}"
    except (OSError, RuntimeError):
        return UNKEPT


def callees(*functions: Callable[..., Any]) -> None:
    """Let compiled code call these plain functions, which become part of every kernel that does.

    Otherwise a kernel just compiled may call a copy that was compiled on its own, and the same kernel from its file
    the copy in that file, and the two may order a sum differently: a run would not repeat itself.
    """
    for function in functions:
        _callee(function)


@functools.cache
def _callee(function: Callable[..., Any]) -> None:
    from numba.extending import register_jitable

    register_jitable(fastmath=REORDERED, forceinline=True)(function)


@functools.cache
def _sources() -> str:
    """A digest of all kernels: numba looks at the file of a function alone, not at those of what it calls."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
