"""The command line: what it prints where, and its exit status."""

import json
import os
import subprocess
import sys

import pytest
import torch

from lowrank_core import provenance
from lowrank_core.__main__ import main
from lowrank_core.claims.claim import edge
from lowrank_core.claims.grammar import scales
from lowrank_core.claims.registry import PAPERS, all_claims
from lowrank_core.methods import METHODS

QUICK = "xiong2024.riccati"
TWO = [QUICK, "xiong2024.extra-rank-not-columns"]


def run(*arguments, capsys):
    status = main(arguments)
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ([], ["claims", "bench", "doctor", "--version"]),
        (["claims"], ["list", "run", "show"]),
        (["claims", "list"], ["all claims, a line each", "--paper", "--json FILE"]),
        (
            ["claims", "run"],
            [
                *("run claims and judge them", "--all", "--scale {smoke,book,full}", "--device", "--seeds N"),
                *("--seed0 S", "exit status: 0 if"),
            ],
        ),
        (["claims", "show"], ["statement, criteria, control and source", "ID"]),
        (["bench"], ["time the solvers", "NAME", "--json FILE"]),
        (["doctor"], ["versions, device, threads", "--json FILE"]),
    ],
    ids=lambda value: " ".join(value) or "top",
)
def test_help(command, told, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    page = capsys.readouterr().out
    assert page.startswith("usage: python -m lowrank_core")
    assert [word for word in told if word.lower() not in page.lower()] == []


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "lowrank_core", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("lowrank_core ")


def test_list_has_a_line_for_every_claim(capsys):
    status, out, _ = run("claims", "list", capsys=capsys)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [claim.id for claim in all_claims()]


@pytest.mark.parametrize("paper", PAPERS)
def test_list_as_json(paper, capsys):
    status, out, err = run("claims", "list", "--paper", paper, "--json", "-", capsys=capsys)
    listing = json.loads(out)
    assert (status, err) == (0, "")
    assert [entry["id"] for entry in listing] == [claim.id for claim in all_claims(paper)]
    assert {"title", "kind", "origin", "known", "expected", "chapter", "uses"} <= set(listing[0])


def test_show(capsys):
    status, out, _ = run("claims", "show", QUICK, capsys=capsys)
    assert status == 0
    for part in (
        r"\mathcal E(t)",
        "criterion",
        "control     the factor 2",
        "@PAGE.claim(",
        "def riccati_closed_form",
    ):
        assert part in out


def test_run_prints_numbers_on_stdout_and_progress_on_stderr(capsys):
    status, out, err = run("claims", "run", QUICK, "--scale", "smoke", capsys=capsys)
    assert status == 0
    assert out.startswith(f"{QUICK}: holds (as expected), control fired, 3 seeds from 0, ")
    assert "    entries that do not vanish: 0, predicted –\n" in out
    assert "    control, entries that do not vanish: 9\n" in out
    assert err.rstrip().endswith("1 claims: 1 hold, 0 refuted, 0 inconclusive; 0 not as expected")


def test_run_as_json_is_nothing_but_json(capsys):
    status, out, err = run(
        "claims",
        "run",
        QUICK,
        "--scale",
        "smoke",
        "--seeds",
        "2",
        "--seed0",
        "9",
        "--json",
        "-",
        capsys=capsys,
    )
    (record,) = json.loads(out)
    assert status == 0
    assert (record["id"], record["verdict"], record["seeds"]) == (QUICK, "holds", [9, 10])
    assert "not as expected" in err


def test_run_several_side_by_side_into_a_file(capsys, tmp_path):
    path = tmp_path / "records.json"
    status, out, err = run("claims", "run", *TWO, "--scale", "smoke", "--json", str(path), capsys=capsys)
    assert (status, out) == (0, "")
    assert [record["id"] for record in json.loads(path.read_text())] == TWO
    assert "2 claims: 2 hold" in err


@pytest.mark.parametrize("as_json", [[], ["--json", "-"]])
@pytest.mark.parametrize(
    ("measured", "control", "expected", "verdict"),
    [
        ([2.0] * 3, [0.0] * 3, "holds", "refuted"),
        ([1.0] * 3, [1.0] * 3, "holds", "inconclusive"),
        ([1.0] * 3, [1.0] * 3, "inconclusive", "inconclusive"),
        ([1.0] * 3, [0.0] * 3, "refuted", "holds"),
    ],
)
def test_status_one_if_not_as_expected(declare, capsys, measured, control, expected, verdict, as_json):
    declare(lambda s: declare.evidence(measured, control), expected=expected)
    status, out, err = run("claims", "run", "test.claim", "--scale", "smoke", *as_json, capsys=capsys)
    assert status == 1
    assert "1 not as expected" in err
    if as_json:
        assert json.loads(out)[0]["verdict"] == verdict
    else:
        assert out.startswith(f"test.claim: {verdict} (")
        assert "control breaks “size = 1” on" in out


def test_an_expected_refutation_is_status_zero(declare, capsys):
    declare(lambda s: declare.evidence([2.0] * 3), expected="refuted")
    assert run("claims", "run", "test.claim", "--scale", "smoke", capsys=capsys)[0] == 0


def test_edges_are_tried_and_one_that_is_not_as_declared_is_status_one(declare, capsys):
    def function(setting):
        return declare.evidence([float(setting.sizes.n != 3)] * 3, [0.0] * 3)

    declare(function, edgeless="", sizes=scales(n=2), edges=(edge("n = 1", n=1),))
    assert run("claims", "edges", "test.claim", capsys=capsys)[:2] == (
        0,
        "test.claim: n = 1 (n = 1): as declared\n",
    )
    declare(function, id="test.wrong", edgeless="", sizes=scales(n=2), edges=(edge("n = 3", n=3),))
    status, out, err = run("claims", "edges", "test.wrong", capsys=capsys)
    assert status == 1
    assert out.startswith("test.wrong: n = 3 (n = 3): WRONG: “size = 1” met on 0 of 3; violated")
    assert err.endswith("1 edges, 1 not as declared\n")


def test_the_contract_is_printed_and_is_json(capsys):
    status, out, _ = run("claims", "contract", capsys=capsys)
    figures = json.loads(run("claims", "contract", "--json", "-", capsys=capsys)[1])
    assert status == 0
    assert out == "".join(f"{name}: {figure}\n" for name, figure in figures.items())
    assert figures["claims"] == len(all_claims())


BAD = {
    "nothing to run": (["claims", "run"], "name ids, or use --paper KEY or --all"),
    "unknown id": (["claims", "run", "xiong2024.ricati"], "claim_id = 'xiong2024.ricati'"),
    "one unknown id among good ones": (["claims", "run", QUICK, "no.such"], "claim_id = 'no.such'"),
    "unknown id to show": (["claims", "show", "riccati"], "did you mean xiong2024.riccati"),
    "no seeds": (["claims", "run", QUICK, "--seeds", "0"], "seeds = 0"),
    "no seeds, several claims": (["claims", "run", *TWO, "--seeds", "0"], "seeds = 0"),
    "negative first seed, several claims": (["claims", "run", *TWO, "--seed0", "-1"], "seed0 = -1"),
    "unknown device": (["claims", "run", QUICK, "--device", "gpu"], "device = 'gpu'"),
    "no such folder": (["claims", "list", "--json", "no/such/folder/x.json"], "no/such/folder"),
    "unknown benchmark": (["bench", "no-such"], "Fix: "),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_status_two_and_a_way_out_for_bad_arguments(arguments, message, capsys):
    status, out, err = run(*arguments, capsys=capsys)
    assert (status, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Fix: " in last


@pytest.mark.parametrize("claims", [[QUICK], TWO])
def test_cuda_is_refused_where_there_is_none(claims, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, out, err = run("claims", "run", *claims, "--scale", "smoke", "--device", "cuda", capsys=capsys)
    assert (status, out) == (2, "")
    assert "sees 0 CUDA devices" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["claims"],
        ["claims", "run", QUICK, "--all"],
        ["claims", "run", "--all", "--paper", "xiong2024"],
        ["claims", "run", QUICK, "--scale", "huge"],
        ["claims", "run", QUICK, "--seeds", "many"],
        ["claims", "list", "--paper", "euclid300bc"],
    ],
    ids=" ".join,
)
def test_status_two_for_commands_that_do_not_parse(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m lowrank_core" in capsys.readouterr().err


def test_doctor(capsys):
    status, out, _ = run("doctor", capsys=capsys)
    assert status == 0
    for part in (provenance.core_hash(), torch.__version__, "OMP_NUM_THREADS", "advice: ", "python-flint"):
        assert part in out


def test_doctor_as_json(capsys):
    status, out, err = run("doctor", "--json", "-", capsys=capsys)
    report = json.loads(out)
    assert (status, err) == (0, "")
    assert report["methods"] == sorted(METHODS)
    assert report["claims"] == len(all_claims())
    assert report["versions"] == provenance.versions()


@pytest.mark.parametrize(
    ("asked", "advice"),
    [(1_000, "torch uses 1000 threads on 2 cores; set OMP_NUM_THREADS=2 or less"), (1, "none; ")],
)
def test_doctor_advises_against_more_threads_than_cores(asked, advice, capsys, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: asked)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert f"advice: {advice}" in run("doctor", capsys=capsys)[1]
