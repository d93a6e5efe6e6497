"""Run the tests that need a CUDA device, and store how many ran where and when: the ledger page shows it.

Where there is no such device all of them are skipped, and that is stored as well, for the CPU.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from lowrank_core import artefacts, provenance
from lowrank_core.device import device_class, resolve_device
from lowrank_core.terminal import program

STORED = "device-tests"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-m", "cuda", "--junitxml", str(report)]
        status = subprocess.run(command, cwd=Path(__file__).parents[1]).returncode
        if status not in (0, 1):
            sys.exit(f"pytest ended with status {status}: nothing is stored")
        counts = counted(report)
    kept = artefacts.read(STORED) if (artefacts.FOLDER / f"{STORED}.json").exists() else {}
    kept[device_class(resolve_device())] = {
        **counts,
        **provenance.machine(),
        "versions": provenance.versions(),
        "core_hash": provenance.core_hash(),
    }
    print(f"stored in {artefacts.write(STORED, kept)}")


def counted(report: Path) -> dict[str, int]:
    """How many tests passed, failed and were skipped, from a report in JUnit's format."""
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    skipped = int(suite.attrib["skipped"])
    return {"passed": int(suite.attrib["tests"]) - failed - skipped, "failed": failed, "skipped": skipped}


if __name__ == "__main__":
    sys.exit(program(main))
