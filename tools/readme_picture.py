"""Redraw the picture of the README from a fresh run: `python tools/readme_picture.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from lowrank_core import claims, plots
from lowrank_core.terminal import program

PICTURE = Path(__file__).parent.parent / "book" / "_static" / "slowdown.png"


def main() -> None:
    result = claims.run("xiong2024.symmetric-lower-bound").require()
    eta, rank = result.record["sizes"]["eta"], len(result.record["sizes"]["spectrum"])
    drawn, (axes,) = plots.figure(height=3.4)
    plots.error_panel(axes, {**result.curves["runs"], "k = r": result.curves["control"]}, scale=eta)
    for k, run in zip(result.record["sizes"]["ks"], result.curves["runs"].values(), strict=True):
        time = eta * run.steps[run.steps > 200]
        label = "predicted, (k − r) / (4(ηT)²)" if k == rank + 1 else None
        plots.predicted(axes, time, (k - rank) / (4 * time**2), label)
    axes.set(xlabel="time ηT", ylim=(1e-30, 1e2))
    axes.legend(frameon=False)
    drawn.savefig(PICTURE, dpi=120, facecolor="white")


if __name__ == "__main__":
    sys.exit(program(main))
