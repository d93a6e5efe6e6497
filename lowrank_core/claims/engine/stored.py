"""The stored run of the benchmarks, as the chapter shows it: rows by name, and targets in words."""

from __future__ import annotations

import html
from typing import Any

from lowrank_core import artefacts
from lowrank_core.bench.row import Row
from lowrank_core.claims.markup import Fragment, Markup, table

MEANING = {
    "T1": "one gradient reads the stored entries at the rate at which this machine can read at all",
    "T2": "one gradient against the two products that one would write with full matrices",
    "T3": "64 trajectories at once, whole iterations, against what the processor multiplies at best",
    "T4": "the same, per trajectory, against one loop of autograd and SGD after the other",
    "T5": "a few trajectories at once are never slower than one by one",
    "T6": "from a random start to a relative error of 1e-10 against the alternatives",
    "T7": "a million iterations of 64 seeds on the population loss",
    "T8": "rank-one measurements against dense ones",
    "T9": "many more measurements than unknowns: the gradient through A*A",
}
"""What a target means to someone who runs a solver, by its label."""
BYTES = {"float64": 8, "float32": 4, "bfloat16": 2}
KERNELS = (
    *(f"gradient, {dtype} storage" for dtype in BYTES),
    "gradient per trajectory",
    *(f"iteration per trajectory, {dtype}" for dtype in tuple(BYTES)[1:]),
)
"""The rows that the picture of the machine's limits shows, by how they begin."""
BOUND = {"ratio": "times as fast", "limit_fraction": "of the limit", "seconds": "seconds"}


def content() -> dict[str, Any]:
    """All that is stored; an error if it is not what was stored."""
    return artefacts.read("benchmarks")


def rows(name: str = "", against: str = "") -> list[Row]:
    """The rows whose name and opponent begin with these words, in the order in which they were timed."""
    table = [Row(**row) for part in content()["benchmarks"].values() for row in part["rows"]]
    return [r for r in table if r.name.startswith(name) and (r.against or "").startswith(against)]


def rate(of: str) -> float:
    """What the machine did in a second, the median over the runs: bytes for "read", operations for a dtype."""
    seconds = sorted(row.seconds or float("nan") for row in rows("limit: ") if row.name.endswith(of))
    return 1 / seconds[len(seconds) // 2]


def once(table: list[Row]) -> list[Row]:
    """Each timing once, not once for every opponent."""
    return list({(row.name, row.size): row for row in table}.values())


def roofline() -> dict[str, list[tuple[float, float]]]:
    """Kernel -> (operations for each byte that is read, operations a second), a point for each size.

    A gradient does four operations with each stored entry, for every trajectory.
    """
    points = {}
    for kernel in KERNELS:
        width = next((width for dtype, width in BYTES.items() if dtype in kernel), BYTES["float64"])
        points[kernel] = [
            (4 * row.number("B") / width, 2 * row.number("m") * n * (n + 1) / (row.seconds or float("nan")))
            for row in once(rows(kernel))
            for n in (row.number("n"),)
        ]
    return points


def fractions() -> dict[str, float]:
    """Kernel -> the part of its limit that it reaches, at the largest size; exponents have none."""
    table = [row for row in once(rows()) if row.limit_fraction and not row.name.startswith("growth")]
    largest = {row.name: row for row in sorted(table, key=lambda row: row.number("n"))}
    names = dict.fromkeys(row.name for row in table)
    return {f"{name}, n={largest[name].number('n')}": largest[name].limit_fraction or 0.0 for name in names}


def by_batch() -> dict[int, list[Row]]:
    """Order n -> gradients per trajectory for more and more trajectories, against one alone."""
    groups: dict[int, list[Row]] = {}
    for row in rows("gradient per trajectory", "B=1"):
        groups.setdefault(row.number("n"), []).append(row)
    return groups


def to_accuracy() -> dict[str, tuple[float, bool]]:
    """Who runs to a relative error of 1e-10 -> (seconds, whether it is ours), the slowest first."""
    table = [row for row in rows() if row.size.endswith("to 1e-10")]
    ours = {row.name: (row.seconds or float("nan"), True) for row in table}
    first = [
        row for row in table if row.name == table[0].name and not (row.against or "").startswith("fastest")
    ]
    theirs = {row.against or "": (row.theirs, False) for row in first}
    return dict(sorted((ours | theirs).items(), key=lambda item: -item[1][0]))


def provenance() -> Fragment:
    """What ran the benchmarks, and when, a line for each run that differs."""
    parts: dict[str, list[str]] = {}
    for part, run in content()["benchmarks"].items():
        line = (
            f"{run['processor']}, {run['cores']} cores, one thread used · {run['date']} · "
            f"core {run['core_hash']} · {'quick sizes' if run['quick'] else 'full sizes'} · "
            + ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        )
        parts.setdefault(line, []).append(part)
    words = [f"{', '.join(names)}: {line}" for line, names in parts.items()]
    markup = "".join(f"<p class='provenance'>{html.escape(line)}</p>" for line in words)
    return Fragment(markup, "\n".join(words))


def targets() -> Fragment:
    """Every target with what was reached of it: met, missed, or not run at the sizes that are stored."""
    lines, cells = [], []
    for label, group in _by_label().items():
        cells.append([label, Markup(f"<em>{html.escape(MEANING.get(label, ''))}</em>")])
        for target in group:
            what = f"{target['row'] or target['name']} ({target['on'] or target['size'].rstrip(',')})"
            cells.append(["", what, asked(target), reached(target), state(target)])
            lines.append(f"{label} {state(target)}: {what}: {asked(target)}, {reached(target)}")
    shown = table(
        ["target", "what", "asked", "reached", "state"],
        cells,
        caption="What was asked of the solvers, and reached",
    )
    return Fragment(f"<div class='ledger'>{shown}</div>", "\n".join(lines))


def missed() -> Fragment:
    """The targets that are missed, and by how much."""
    short = [target for target in content()["targets"] if state(target) == "missed"]
    words = [
        f"{t['label']}, {t['row']} ({t['on']}): {reached(t)} where {asked(t)} was asked, {t['reached']:.0%} of it"
        for t in short
    ]
    words = words or ["No target that was run is missed."]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in words)
    return Fragment(f"<div class='ledger'><ul>{items}</ul></div>", "\n".join(words))


def state(target: dict[str, Any]) -> str:
    if target["reached"] is None:
        return "not run"
    return "met" if target["reached"] >= 1 else "missed"


def asked(target: dict[str, Any]) -> str:
    opponent = target["opponent"] or target["against"]
    if target["column"] == "ratio" and target["goal"] == 1:
        return f"no slower than {opponent}"
    bound = "at most" if target["column"] == "seconds" else "at least"
    compared = f" as {opponent}" if target["column"] == "ratio" else ""
    return f"{bound} {target['goal']:g} {BOUND[target['column']]}{compared}"


def reached(target: dict[str, Any]) -> str:
    return "–" if target["value"] is None else f"{target['value']:.3g}"


def _by_label() -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for target in content()["targets"]:
        groups.setdefault(target["label"], []).append(target)
    return groups
