"""The command line: `python -m lowrank_core --help`."""

from __future__ import annotations

import argparse
import codecs
import dataclasses
import functools
import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import torch

from lowrank_core import __version__, kernels, provenance
from lowrank_core.claims import contract
from lowrank_core.claims.batch import run_edges, run_many
from lowrank_core.claims.claim import EXTRAS, Claim, Scale
from lowrank_core.claims.ledger import counts
from lowrank_core.claims.pages import ORIGINS
from lowrank_core.claims.registry import PAPERS, all_claims, find, source
from lowrank_core.claims.result import as_expected
from lowrank_core.claims.rows import rows
from lowrank_core.claims.runner import missing
from lowrank_core.claims.statements import all_statements
from lowrank_core.device import device_class, resolve_device, threads
from lowrank_core.errors import ArgumentError, install, require
from lowrank_core.files import check_writable, write_whole
from lowrank_core.methods import METHODS
from lowrank_core.terminal import CRASHED, program

EXIT_CODES = """\
exit status: 0 if every verdict is the expected one and every control fired, 1 if not, 2 for bad arguments,
3 if claims were skipped because of missing packages, or after an error of the program itself
"""
BENCHMARKS = Path(__file__).parent / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        kernels.chosen()
        _check_target(getattr(options, "json", None))
        return int(options.command(options))
    except ArgumentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m lowrank_core",
        description="Run, judge and list the claims of the book, time the solvers, describe this machine.",
    )
    top.add_argument("--version", action="version", version=f"lowrank_core {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    claims = commands.add_parser(
        "claims", help="list, run or show claims", description="List, run or show claims."
    ).add_subparsers(required=True, metavar="ACTION")
    listing = claims.add_parser(
        "list", help="all claims, a line each", description="All claims, a line each."
    )
    listing.add_argument(
        "--paper", choices=PAPERS, help="only the claims of this paper, or of the part `engine`"
    )
    _add_json(listing)
    listing.set_defaults(command=list_claims)

    running = claims.add_parser(
        "run",
        help="run claims and judge them",
        description="Run claims and judge them by the criteria that they declare.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = running.add_mutually_exclusive_group()
    which.add_argument("ids", nargs="*", default=[], metavar="ID", help="ids of claims, see `claims list`")
    which.add_argument("--paper", choices=PAPERS, help="all claims of this paper, or of the part `engine`")
    which.add_argument("--all", action="store_true", help="all claims of the book")
    running.add_argument(
        "--scale",
        choices=get_args(Scale),
        default="book",
        help="smoke: seconds; book: what the pages show (default); full: paper sizes and beyond",
    )
    running.add_argument(
        "--device",
        default="auto",
        help="auto (default), cpu or cuda; cuda is an error where there is none",
    )
    running.add_argument("--seeds", type=int, metavar="N", help="number of seeds (default: as declared)")
    running.add_argument(
        "--seed0", type=int, default=0, metavar="S", help="first seed; another one draws everything afresh"
    )
    _add_json(running)
    running.set_defaults(command=run_claims)

    showing = claims.add_parser(
        "show",
        help="one claim: statement, criteria, control and source",
        description="One claim: statement, criteria, control and source.",
    )
    showing.add_argument("id", metavar="ID")
    showing.set_defaults(command=show_claim)

    contract = claims.add_parser(
        "contract",
        help="what the verdicts rest on, counted",
        description="What the verdicts rest on: statements by origin, controls, windows, edges, fresh seeds.",
    )
    _add_json(contract)
    contract.set_defaults(command=show_contract)

    edges = claims.add_parser(
        "edges",
        help="try claims at their edges",
        description="Try claims at their edges: sizes at which they must hold, and sizes that they must refuse.",
        epilog="exit status: 0 if every edge is as declared, 1 if not, 2 for bad arguments",
    )
    edges.add_argument("ids", nargs="*", metavar="ID", help="ids of claims (default: all)")
    edges.add_argument("--seed0", type=int, default=0, metavar="S", help="first seed")
    edges.set_defaults(command=try_edges)

    bench = commands.add_parser(
        "bench",
        help="time the solvers against what one would write otherwise",
        description="Time the solvers against what one would write otherwise.",
    )
    bench.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    bench.add_argument(
        "--quick", action="store_true", help="smaller sizes and fewer rounds, about half a minute"
    )
    _add_json(bench)
    bench.set_defaults(command=run_benchmarks)

    doctor = commands.add_parser(
        "doctor",
        help="versions, device, threads, and what is active and why",
        description="Versions, device, threads, and what is active and why.",
    )
    _add_json(doctor)
    doctor.set_defaults(command=show_machine)
    return top


def list_claims(options: argparse.Namespace) -> int:
    claims = all_claims(options.paper)
    listing = [
        {
            "id": claim.id,
            "title": claim.title,
            "paper": claim.paper,
            "kind": claim.kind,
            "origin": claim.origin,
            "known": claim.known,
            "expected": claim.expected,
            "chapter": claim.chapter,
            "uses": list(claim.uses),
        }
        for claim in claims
    ]
    if not _write_json(listing, options.json):
        width = max(len(claim.id) for claim in claims)
        for claim in claims:
            print(f"{claim.id:{width}}  {claim.origin:9}  {claim.kind:11}  {claim.title}")
        whose = Counter(claim.origin for claim in claims)
        print(
            f"{whose['paper']} statements of the papers, {whose['sharpened']} sharpened here, {whose['ours']} ours",
            file=sys.stderr,
        )
    return 0


def run_claims(options: argparse.Namespace) -> int:
    require(
        bool(options.ids or options.paper or options.all),
        "claims",
        "none",
        "nothing to run",
        "name ids, or use --paper KEY or --all; `claims list` shows what there is",
    )
    for claim_id, times in Counter(options.ids).items():
        require(times == 1, "claims", claim_id, f"it is named {times} times", "name each claim once")
    chosen = [find(claim_id) for claim_id in options.ids] or all_claims(options.paper)
    # A claim that is named has to run; of many, those that can.
    skipped = {} if options.ids else {claim.id: lacking for claim in chosen if (lacking := missing(claim))}
    able = [claim.id for claim in chosen if claim.id not in skipped]
    records = run_many(able, options.scale, options.device, options.seeds, options.seed0)
    if not _write_json(records, options.json):
        for record in records:
            _print_record(record)
    tally = counts(records)
    print(
        f"{len(records)} claims: {tally['holds']} hold, {tally['refuted']} refuted, "
        f"{tally['inconclusive']} inconclusive; {tally['unexpected']} not as expected",
        file=sys.stderr,
    )
    if options.seeds == 1:
        print("one seed shows that a claim runs; whether it holds takes several", file=sys.stderr)
    for module, count in Counter(module for lacking in skipped.values() for module in lacking).items():
        why = f"{module} is not installed ({install(EXTRAS[module])})"
        print(f"{count} claims skipped, because {why}", file=sys.stderr)
    if tally["unexpected"]:
        return 1
    return CRASHED if skipped else 0


def show_claim(options: argparse.Namespace) -> int:
    claim: Claim = find(options.id)
    print(f"{claim.id}: {claim.title}\n")
    for label in claim.states:
        statement = all_statements()[label]
        print(f"{statement.kind} {label}: {statement.title}\n{statement.text}\n")
    print(f"statement   {ORIGINS[claim.origin]}{f', {claim.known}' if claim.known else ''}")
    print(f"reference   {claim.reference}")
    print(f"kind        {claim.kind}, {claim.fit} the theorem, expected to be: {claim.expected}")
    for criterion in claim.criteria:
        print(
            f"criterion   {criterion} ({criterion.basis}), for every variant; width: {criterion.width or 'none'}"
        )
    print(f"control     {claim.control or 'none'}; must break {', '.join(claim.broken) or 'nothing'}")
    if claim.positive:
        print(f"positive    {claim.positive}")
    for criterion in claim.criteria:
        if criterion.uncontrolled:
            print(f"            no control of {criterion.quantity}, because {criterion.uncontrolled}")
    for edge in claim.edges:
        print(f"edge        {edge.rule}")
    print(f"needs       {', '.join(claim.needs) or 'torch and numpy alone'}")
    print(f"uses        {', '.join(claim.uses) or 'no other claim'}")
    print(f"chapter     {claim.chapter}\n")
    print(source(claim.id))
    return 0


def show_contract(options: argparse.Namespace) -> int:
    figures = contract.summary(all_claims())
    if not _write_json(figures, options.json):
        for name, figure in figures.items():
            print(f"{name}: {figure}")
    return 0


def try_edges(options: argparse.Namespace) -> int:
    chosen = [find(claim_id) for claim_id in options.ids] or all_claims()
    found = run_edges(chosen, options.seed0)
    for key, wrong in found.items():
        print(f"{key}: {f'WRONG: {wrong}' if wrong else 'as declared'}")
    failed = sum(map(bool, found.values()))
    print(f"{len(found)} edges, {failed} not as declared", file=sys.stderr)
    return 1 if failed else 0


def run_benchmarks(options: argparse.Namespace) -> int:
    there = {path.stem.removeprefix("bench_"): path for path in sorted(BENCHMARKS.glob("bench_*.py"))}
    names = [name.removeprefix("bench_") for name in options.names] or list(there)
    for name in names:
        require(name in there, "NAME", name, "no such benchmark", f"use one of {', '.join(there)}")
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # One thread for numpy too, which looks at this when it is imported, and that has happened.
        command = [sys.executable, "-m", "lowrank_core", "bench", *names, *["--quick"] * options.quick]
        command += ["--json", options.json] if options.json else []
        return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode
    contest, targets = (importlib.import_module(f"lowrank_core.bench.{n}") for n in ("contest", "targets"))
    parts: dict[str, Callable[[], Iterable[Any]]] = {"limits": lambda: contest.rates(rounds=5)}
    for name in names:
        module = importlib.import_module(f"lowrank_core.bench.bench_{name}")
        parts[name] = functools.partial(module.rows, options.quick)
    table = []
    for name, part in parts.items():
        print(f"{name} ...", file=sys.stderr)
        for row in part():
            # At once, since all take minutes; JSON has standard output for itself.
            print(row, file=sys.stderr if options.json else sys.stdout, flush=True)
            table.append(row)
    _write_json([dataclasses.asdict(row) for row in table], options.json)
    for line in targets.report(table):
        print(line, file=sys.stderr)
    return 0


def show_machine(options: argparse.Namespace) -> int:
    device = resolve_device("auto")
    optional = {
        "sympy, mpmath (symbolic proofs)": "sympy",
        "python-flint (ball arithmetic; mpmath intervals are used otherwise)": "flint",
        "matplotlib (figures)": "matplotlib",
        "tqdm (progress bars)": "tqdm",
        "numba (compiled kernels; torch alone is used otherwise)": "numba",
        "scipy (integrated flows)": "scipy",
        "cvxpy (semidefinite programs)": "cvxpy",
    }
    report: dict[str, Any] = {
        "lowrank_core": __version__,
        "core_hash": provenance.core_hash(),
        "versions": provenance.versions(),
        "platform": platform.platform(),
        "device": f"{device_class(device)}: what --device auto takes; "
        + ("CUDA is there" if torch.cuda.is_available() else "torch sees no CUDA device"),
        "threads": threads(),
        "kernels": kernels.report(),
        "methods": sorted(METHODS),
        "optional": {
            title: "installed" if importlib.util.find_spec(module) else "not installed"
            for title, module in optional.items()
        },
        "claims": len(all_claims()),
        "advice": _advice(),
    }
    if not _write_json(report, options.json):
        for key, value in report.items():
            if isinstance(value, dict):
                print(f"{key}:")
                for name, entry in value.items():
                    print(f"  {name}: {entry}")
            else:
                print(f"{key}: {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _advice() -> str:
    cores, asked = os.cpu_count() or 1, torch.get_num_threads()
    if asked > cores:
        return f"torch uses {asked} threads on {cores} cores; set OMP_NUM_THREADS={cores} or less"
    return "none; set OMP_NUM_THREADS=1 when you run several processes side by side"


def _print_record(record: dict[str, Any]) -> None:
    mark = "as expected" if as_expected(record) else f"EXPECTED {record['expected']}"
    fired = "fired" if record["control"]["fired"] else "DID NOT FIRE"
    print(
        f"{record['id']}: {record['verdict']} ({mark}), control {fired}, "
        f"{len(record['seeds'])} seeds from {record['seed0']}, {record['seconds']:.1f} s"
    )
    for row in rows(record):
        print(f"    {row.name}: {row.spread}, predicted {row.predicted}")
    for row in rows(record, "control"):
        print(f"    control, {row.name}: {row.spread}")
    if not as_expected(record):
        for reason in record["reasons"]:
            print(f"    {reason}")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", metavar="FILE", help="write JSON to FILE, or to standard output with -")


def _check_target(target: str | None) -> None:
    """Refuse, before anything runs, a place that could not be written to afterwards."""
    if target == "-":
        require(sys.stdout is not None, "--json", target, "standard output is closed", "name a file")
    elif target is not None:
        check_writable(target, "--json")


def _write_json(data: Any, target: str | None) -> bool:
    """Write `data` where --json says; False if it was not asked for."""
    if target is None:
        return False
    if target == "-":
        sys.stdout.write(_as_json(data))
        return True
    try:
        write_whole(Path(target), _as_json(data, plain=False))
    except OSError as error:
        # What was computed is not lost, whatever happened to the file meanwhile.
        sys.stdout.write(_as_json(data))
        problem = f"it cannot be written: {error.strerror}; the JSON went to standard output"
        raise ArgumentError("--json", target, problem, "make room, or name another file") from None
    return True


def _as_json(data: Any, plain: bool | None = None) -> str:
    """As JSON; by default without characters that standard output cannot show."""
    if plain is None:
        plain = codecs.lookup(sys.stdout.encoding or "ascii").name != "utf-8"
    return json.dumps(data, indent=1, ensure_ascii=plain, allow_nan=False) + "\n"


if __name__ == "__main__":
    sys.exit(program(main))
