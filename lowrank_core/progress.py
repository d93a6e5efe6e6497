"""Progress bars on stderr, through tqdm where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def bar(items: Iterable[T], title: str, show: bool = True, total: int | None = None) -> Iterable[T]:
    """`items`, shown as a progress bar if `show` and if tqdm is there; the core does not need it."""
    if not show:
        return items
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"{title} ... (install tqdm for a progress bar)", file=sys.stderr)
        return items
    return tqdm(items, desc=title, total=total, file=sys.stderr, dynamic_ncols=True)
