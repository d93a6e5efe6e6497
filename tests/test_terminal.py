"""What a program owes to a terminal, and what is left of it when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lowrank_core import kernels
from lowrank_core.__main__ import main
from lowrank_core.claims import batch
from lowrank_core.terminal import CRASHED, INTERRUPTED

QUICK = ("claims", "run", "xiong2024.riccati", "--scale", "smoke")
PROC = pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks /proc which processes there are")


def program(*arguments, **environment):
    command = [sys.executable, "-m", "lowrank_core", *arguments]
    return subprocess.run(command, capture_output=True, env=os.environ | environment)


HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""Tests that run in the background would hand on that an interrupt is ignored."""


def running(code):
    """A program of a few lines, with its own group of processes, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", HEARD + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_where_a_terminal_lacks_a_character_a_substitute_is_shown():
    done = program("claims", "show", QUICK[2], PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout


def test_json_is_whole_on_a_terminal_that_lacks_its_characters():
    done = program("claims", "list", "--json", "-", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert any("σ" in claim["title"] or "κ" in claim["title"] for claim in json.loads(done.stdout))


def test_a_result_is_written_whatever_the_locale(tmp_path):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    target = tmp_path / "records.json"
    done = program(*QUICK, "--json", str(target), LOWRANK_RESULTS=str(tmp_path), **plain)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(target.read_text(encoding="utf8"))
    assert json.loads((tmp_path / f"{QUICK[2]}.json").read_text(encoding="utf8")) == record


def test_a_closed_pipe_is_silent():
    command = [sys.executable, "-m", "lowrank_core", "claims", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""


def test_an_unknown_choice_of_kernels_is_one_line_and_status_two():
    done = program("doctor", LOWRANK_KERNELS="fortran")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: LOWRANK_KERNELS = 'fortran': no such kernels. Fix: use one of auto")


SENSING = """
from lowrank_core import GradientDescent, gaussian_start, gaussian_symmetric, observe, psd, solve
problem = observe(psd(4, [2.0, 1.0], [0]), gaussian_symmetric(4, 12, [0]))
print(solve(problem, GradientDescent(0.05), gaussian_start(4, 2, 0.1, [0]), 30).stop_reason)
"""


def test_without_numba_s_compiler_runs_go_through_torch_and_doctor_says_so():
    without = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", SENSING], env=without, capture_output=True, text=True)
    assert "finished" in done.stdout, done.stderr
    assert b"CPU: torch, because NUMBA_DISABLE_JIT is set" in program("doctor", NUMBA_DISABLE_JIT="1").stdout


WAIT = "from lowrank_core.terminal import program\ndef main():\n    print('on', flush=True)\n    {}\n"
WAIT += "import sys, time; sys.exit(program(main))"


def test_ctrl_c_prints_one_line():
    with running(WAIT.format("time.sleep(60)")) as waiting:
        waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        assert waiting.stderr.read() == "\ninterrupted\n"
    assert waiting.returncode == INTERRUPTED


def test_an_error_of_the_program_is_not_taken_for_a_verdict():
    with running(WAIT.format("raise RuntimeError('unforeseen')")) as failing:
        assert "RuntimeError: unforeseen" in failing.stderr.read()
    assert failing.returncode == CRASHED


WORKERS = """
import os, sys, time
from lowrank_core.claims.batch import worker_processes
from lowrank_core.terminal import program
from time import sleep
def main():
    with worker_processes(2) as pool:
        jobs = [pool.submit(os.getpid) for _ in range(2)] and [pool.submit(sleep, 60) for _ in range(2)]
        while not all(job.running() for job in jobs):
            sleep(0.05)
        sleep(0.5)
        print(*pool._processes, flush=True)
        jobs[0].result()
if __name__ == "__main__":
    sys.exit(program(main))
"""


def alive(process):
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@PROC
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_no_worker_outlives_its_parent(how, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(HEARD + WORKERS)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(alive, workers))
        parent.send_signal(how)
        parent.wait(timeout=60)
        if how == signal.SIGINT:
            assert parent.stderr.read() == "\ninterrupted\n"
    deadline = time.monotonic() + 60
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def test_an_error_in_one_job_does_not_wait_for_the_others():
    begin = time.monotonic()
    with pytest.raises(ValueError, match="non-negative"):
        dict(batch.side_by_side(time.sleep, {"wrong": (-1,), "long": (300,)}, "jobs"))
    assert time.monotonic() - begin < 120


UNWRITABLE = {
    "a folder": lambda path: path,
    "no such folder": lambda path: path / "no" / "x.json",
    "a name too long": lambda path: path / ("x" * 300),
    "no name": lambda path: "",
    "a pipe": lambda path: os.mkfifo(path / "pipe") or path / "pipe",
    "below a file": lambda path: (path / "file").touch() or path / "file" / "x.json",
}


@pytest.mark.parametrize("where", UNWRITABLE.values(), ids=UNWRITABLE)
def test_output_that_cannot_be_written_is_found_before_anything_runs(where, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lowrank_core.__main__.run_many", lambda *arguments: pytest.fail("it ran"))
    assert main([*QUICK, "--json", str(where(tmp_path))]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: --json = ")
    assert "it cannot be written: " in output.err


def test_results_that_cannot_be_written_are_found_before_anything_runs(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOWRANK_RESULTS", str(tmp_path / "file"))
    monkeypatch.setattr("lowrank_core.claims.runner.gather", lambda *arguments: pytest.fail("it ran"))
    assert main(list(QUICK)) == 2
    assert "error: LOWRANK_RESULTS = " in capsys.readouterr().err


def test_a_disk_that_fills_while_claims_run_loses_neither_the_old_file_nor_the_new_records(
    tmp_path, capsys, monkeypatch
):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    target = tmp_path / "x.json"
    target.write_text("old")
    monkeypatch.setattr("lowrank_core.__main__.write_whole", full)
    assert main([*QUICK, "--json", str(target)]) == 2
    output = capsys.readouterr()
    assert [record["id"] for record in json.loads(output.out)] == [QUICK[2]]
    assert "No space left on device" in output.err
    assert target.read_text() == "old"


REFUSED = {
    "named twice": ([QUICK[2], QUICK[2]], "it is named 2 times"),
    "seeds beyond memory": ([QUICK[2], "--seeds", "1000000000"], "at most 10000"),
    "seeds beyond numbers": ([QUICK[2], "--seeds", str(10**20)], "at most 10000"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_run_as_asked_is_refused(arguments, words, capsys):
    assert main(["claims", "run", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_memory_that_does_not_suffice_is_an_error_of_its_own(declare, capsys):
    def function(setting):
        raise MemoryError

    declare(function)
    assert main(["claims", "run", "test.claim", "--seeds", "9"]) == 2
    assert "seeds = 9: memory does not suffice" in capsys.readouterr().err


def test_of_one_seed_it_is_said_that_it_proves_little(capsys):
    assert main([*QUICK, "--seeds", "1"]) == 0
    assert "one seed shows that a claim runs" in capsys.readouterr().err


def test_claims_whose_packages_are_missing_are_skipped_and_counted(declare, capsys, monkeypatch):
    from lowrank_core.claims import registry, runner

    monkeypatch.setattr(registry, "_CLAIMS", {})
    declare(id="test.plain")
    declare(id="test.flow", needs=("scipy",))
    monkeypatch.setattr(runner, "find_spec", lambda module: None)
    assert main(["claims", "run", "--all", "--scale", "smoke"]) == CRASHED
    output = capsys.readouterr()
    assert output.out.startswith("test.plain: holds")
    assert "1 claims: 1 hold" in output.err
    assert "1 claims skipped, because scipy is not installed (in a clone" in output.err
    assert main(["claims", "run", "test.flow"]) == 2


def test_a_cache_that_cannot_be_written_is_said_once(monkeypatch):
    pytest.importorskip("numba")
    from lowrank_core.kernels import jit

    def nowhere(*arguments, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    jit._warn.cache_clear()
    monkeypatch.setattr("numba.njit", nowhere)
    with pytest.warns(RuntimeWarning, match=r"kept nowhere.*NUMBA_CACHE_DIR"):
        jit.jit(main, "void()", "once")
    jit.jit(main, "void()", "again")  # warnings are errors here
    jit._warn.cache_clear()


def test_doctor_says_where_compiled_code_is_kept(monkeypatch, tmp_path):
    caching = pytest.importorskip("numba.core.caching")
    if not kernels.report()["CPU"].startswith("numba"):
        pytest.skip("kernels are switched off")
    assert kernels.report()["compiled code"].startswith("kept in ")

    def nowhere(function):
        raise RuntimeError("no locator available")

    monkeypatch.setattr(caching, "FunctionCache", nowhere)
    assert "kept nowhere" in kernels.report()["compiled code"]
