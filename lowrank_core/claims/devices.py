"""Which device ran what, and when, as far as that is recorded: this build, stored runs, tests that need CUDA."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

from lowrank_core import artefacts
from lowrank_core.claims import markup
from lowrank_core.claims.markup import Fragment

TESTS, BENCHMARKS = "device-tests", "benchmarks"
UNKNOWN = "not recorded"
Line = tuple[str, str, str]
"""Device, what it ran, and when."""


def table(records: Sequence[dict[str, Any]]) -> Fragment:
    """A row for every device, what it ran and when, and whether a CUDA device is among them."""
    lines = list(ran(records, stored()))
    words = on_cuda(lines)
    shown = markup.table(["device", "ran", "when"], lines, caption="What ran where")
    return Fragment(
        f"<div class='ledger'>{shown}</div><p>{html.escape(words)}</p>",
        "\n".join([*("; ".join(line) for line in lines), words]),
    )


def state() -> Fragment:
    """Whether anything that is stored was run on a CUDA device."""
    words = on_cuda(list(ran([], stored())))
    return Fragment(f"<p class='ledger'>{html.escape(words)}</p>", words)


def ran(records: Sequence[dict[str, Any]], kept: dict[str, dict[str, Any]]) -> Iterator[Line]:
    """What the claims of this build, the stored tests, benchmarks and experiments say of themselves."""
    for device in sorted({record["device"] for record in records}):
        yield device, f"{sum(r['device'] == device for r in records)} claims of the book", "this build"
    for device, run in kept.get(TESTS, {}).items():
        counts = ", ".join(f"{run[word]} {word}" for word in ("passed", "failed", "skipped"))
        yield device, f"the tests that need CUDA: {counts}", run["date"]
    parts = kept.get(BENCHMARKS, {}).get("benchmarks", {})
    yield from _together(
        "benchmarks", [(f"cpu ({run['processor']})", p, run["date"]) for p, run in parts.items()]
    )
    experiments = {name: content for name, content in kept.items() if "record" in content}
    yield from _together(
        "stored runs",
        [
            (content["record"]["device"], name, content.get("machine", {}).get("date", UNKNOWN))
            for name, content in experiments.items()
        ],
    )


def on_cuda(lines: Sequence[Line]) -> str:
    """Whether anything that needs a CUDA device has met one."""
    found = [f"{what}, {when}, on {device}" for device, what, when in lines if device.startswith("cuda")]
    if not found:
        return "No CUDA device is among them: none has run the tests, the claims or the Triton kernels yet."
    return f"On a CUDA device ran: {'; '.join(found)}."


def stored() -> dict[str, dict[str, Any]]:
    """Everything that is stored, by name."""
    return {path.stem: artefacts.read(path.stem) for path in sorted(artefacts.FOLDER.glob("*.json"))}


def _together(title: str, lines: Sequence[Line]) -> Iterator[Line]:
    """One line for all that one device ran on one day."""
    for device, when in dict.fromkeys((device, when) for device, _, when in lines):
        names = [what for own, what, day in lines if (own, day) == (device, when)]
        yield device, f"{title}: {', '.join(names)}", when
