"""Benchmarks: that they compare what they say, refuse what is wrong, and that peers solve the same problem."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from lowrank_core.__main__ import main
from lowrank_core.bench import (
    bench_growth,
    bench_recovery,
    contest,
    instances,
    machine,
    memory,
    peers,
    targets,
)
from lowrank_core.bench.row import Row

N, M = 6, 40


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the works move."""
    now = [0.0]
    monkeypatch.setattr(contest.time, "process_time", lambda: now[0])

    def work(seconds, **rest):
        def run():
            now[0] += seconds

        return contest.Work(run, **rest)

    return work


@pytest.fixture
def machine_of_known_rates(clock, monkeypatch):
    """Reads 100 bytes and does 1000 operations a second."""
    monkeypatch.setattr(machine, "reading", lambda nbytes: (clock(1.0).run, 100))
    monkeypatch.setattr(machine, "multiplying", lambda dtype: (clock(1.0).run, 1000))
    return clock


def test_a_row_is_ratio_limit_and_seconds_of_a_unit(machine_of_known_rates):
    ours = machine_of_known_rates(6.0, units=3, nbytes=300, flops=1500)
    table = contest.contest("tiny", {"ours": ours}, {"slow": machine_of_known_rates(8.0)}, rounds=4)
    (row,) = table
    assert (row.name, row.against, row.size, row.rounds) == ("ours", "slow", "tiny", 4)
    assert row.seconds == pytest.approx(2.0)
    assert row.ratio == pytest.approx(4.0)
    assert row.spread == pytest.approx((4.0, 4.0))
    # 300 bytes take 3 s and 1500 operations 1.5 s, of the 6 s of a call.
    assert row.limit_fraction == pytest.approx(0.5)


def test_arithmetic_limits_where_it_takes_longer_than_reading(machine_of_known_rates):
    ours = machine_of_known_rates(4.0, nbytes=10, flops=3000)
    (row,) = contest.contest("tiny", {"ours": ours}, {"other": machine_of_known_rates(1.0)}, rounds=3)
    assert row.limit_fraction == pytest.approx(0.75)
    assert row.ratio == pytest.approx(0.25)


def test_the_fastest_of_several_counts_in_every_round(machine_of_known_rates):
    others = {"a": machine_of_known_rates(9.0), "b": machine_of_known_rates(5.0)}
    table = contest.contest("", {"ours": machine_of_known_rates(1.0)}, others, 3, {"fastest": ["a", "b"]})
    assert {row.against: round(row.ratio, 9) for row in table} == {"a": 9.0, "b": 5.0, "fastest": 5.0}
    assert all(row.limit_fraction is None for row in table)


def test_short_work_is_repeated_and_rounds_take_turns(clock):
    order = []

    def noted(name, seconds):
        timed = clock(seconds)
        return contest.Work(lambda: (order.append(name), timed.run()))

    found = contest.timed({"a": noted("a", contest.SHORTEST / 4), "b": noted("b", 1.0)}, rounds=2)
    assert found["a"] == pytest.approx([contest.SHORTEST / 4] * 2)
    assert order == [*"aabb", *"aaaab", *"aaaab"]


def test_an_unsteady_machine_is_asked_once_more(clock, monkeypatch):
    durations = iter([1.0] * 2 + [1.0, 2.0, 1.0] + [1.0] * 2 + [3.0] * 3)
    monkeypatch.setattr(machine, "reading", lambda nbytes: (lambda: clock(next(durations)).run(), 100))
    (row,) = contest.contest("", {"ours": clock(6.0, nbytes=100)}, {"other": clock(1.0)}, rounds=3)
    assert row.limit_fraction == pytest.approx(0.5)
    assert next(durations, None) is None


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_exponents_of_powers_are_exact(power):
    sizes = [32, 64, 200]
    assert contest.exponent(sizes, [7 * size**power for size in sizes]) == pytest.approx(power)


def test_what_is_wrong_is_not_timed():
    right = torch.ones(3, dtype=torch.float64)
    contest.same("right", right * (1 + 1e-15), right, 1e-13)
    for wrong in (right * (1 + 1e-12), right * math.nan):
        with pytest.raises(RuntimeError, match="not timed"):
            contest.same("wrong", wrong, right, 1e-13)


def test_peers_take_the_gradient_of_the_operator():
    operator = instances.dense(N, M)
    problem, start = instances.recovery(operator)
    full, y, x = peers.full(operator), problem.observations[0], start.left[0]
    expected = problem.gradient(start)[1][0]
    for gradient in (peers.matvec, peers.einsum, peers.autograd):
        torch.testing.assert_close(gradient(full, y, x), expected, rtol=1e-12, atol=1e-14)
    by_numpy = torch.from_numpy(peers.numpy_gradient(full.numpy(), y.numpy(), x.numpy()))
    torch.testing.assert_close(by_numpy, expected, rtol=1e-12, atol=1e-14)
    matrix = problem.truth.matrix
    torch.testing.assert_close(
        full @ matrix[0].flatten(), operator.forward(matrix)[0], rtol=1e-13, atol=1e-14
    )


def test_trajectories_in_columns_have_the_same_gradients():
    operator = instances.dense(N, M)
    problem, start = instances.recovery(operator, 3)
    found = peers.columns(operator.entries, problem.observations, start.left)
    torch.testing.assert_close(found, problem.gradient(start)[1], rtol=1e-12, atol=1e-14)


def test_peers_descend_as_written_by_hand():
    operator = instances.dense(N, M)
    problem, start = instances.recovery(operator)
    full, y, x = peers.full(operator), problem.observations[0], start.left[0]
    by_hand = x
    for _ in range(5):
        residual = torch.tensor([(full[i].view(N, N) * (by_hand @ by_hand.T)).sum() for i in range(M)]) - y
        by_hand = by_hand - 0.1 / M * sum(residual[i] * full[i].view(N, N) @ by_hand for i in range(M))
    for run in (peers.torch_sgd, peers.torch_explicit, peers.numpy_descent):
        torch.testing.assert_close(run(full, y, x, 0.1, 5), by_hand, rtol=1e-11, atol=1e-13)


def test_the_eager_population_loop_is_the_formula():
    x = torch.tensor([[0.5], [0.25]], dtype=torch.float64)
    truth = torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))
    expected = x - 0.1 * (x @ x.T - truth) @ x
    torch.testing.assert_close(peers.eager_population(x, truth, 0.1, 1), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("module", "run"),
    [
        ("jax", lambda a, y, x: peers.jax_descent(a, y, x, 0.5, 600)),
        ("pymanopt", lambda a, y, x: peers.pymanopt_run(a, y, x, "Euclidean", "ConjugateGradient", 1e-18)),
        ("cvxpy", lambda a, y, x: peers.cvxpy_program(a, y, "SCS", eps=1e-9)),
    ],
    ids=["jax", "pymanopt", "cvxpy"],
)
def test_optional_peers_recover_the_truth(module, run):
    pytest.importorskip(module)
    problem, start = instances.recovery(instances.dense(N, 60))
    found = run(peers.full(problem.operator), problem.observations[0], start.left[0])()
    matrix = found if module == "cvxpy" else found @ found.T
    assert float((matrix - problem.truth.matrix[0]).norm()) < 1e-6


def test_absent_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "jax" else object())
    assert peers.installed("scs")
    assert capsys.readouterr().err == ""
    assert not peers.installed("scs", "jax")
    assert capsys.readouterr().err == "jax not installed: no rows against it\n"


def test_iterations_to_the_goal_are_the_fewest():
    problem, start = instances.recovery(instances.dense(N, 60))
    method = bench_recovery.GradientDescent(instances.ETA)
    count = bench_recovery._needed(problem, method, start, 1e-3)
    errors = [
        instances.relative_error(bench_recovery._solved(problem, method, start, steps)(), problem)
        for steps in (count - 1, count)
    ]
    assert errors[0] > 1e-3 >= errors[1]


def test_growth_of_memory_is_cubic():
    stored = {n: [float(instances.dense(n, 15 * n).entries.nbytes)] for n in (32, 64)}
    row = bench_growth._row("stored bytes", "n", 3, stored, "m=15n", seconds=False)
    assert row.ratio == pytest.approx(math.log2(2 * 64 * 65 / (32 * 33)))
    assert row.seconds is None


def test_peak_memory_holds_what_is_stored_and_not_many_times_as_much():
    peaks = memory.peaks((48, 96))
    if peaks is None:
        pytest.skip("this system keeps no count of peak memory")
    for n, peak in peaks.items():
        stored = instances.dense(n, 15 * n).entries.nbytes
        assert stored < peak < 5 * stored + 2**23


def test_peak_memory_that_is_not_counted_is_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    assert memory.peaks((4,)) is None
    assert capsys.readouterr().err == f"no {tmp_path / 'status'} here: no rows on peak memory\n"


@pytest.mark.parametrize(
    ("column", "value", "part"), [("ratio", 3.0, 0.5), ("limit_fraction", 9.0, 1.5), ("seconds", 3.0, 2.0)]
)
def test_targets_say_how_much_is_reached(column, value, part):
    target = targets.Target("T", "gradient", "n=50,", "other", column, 6.0)
    fields = {"ratio": 0.0, "limit_fraction": 0.0, "seconds": 0.0} | {column: value}
    row = Row(
        name="a gradient",
        size="n=50, m=1",
        against="other, torch",
        rounds=1,
        spread=(1, 1),
        threads=1,
        kernel="torch",
        **fields,
    )
    (found,) = targets.judged([target], [row, replace(row, size="n=500, m=1")])
    assert found == (target, row, pytest.approx(part))


def test_the_program_writes_every_column_and_judges(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    row = Row(
        "gradient, float64 storage",
        "n=128, m=1920",
        2.0,
        "full matvec, torch",
        0.95,
        1.0,
        3,
        (1.9, 2.1),
        1,
        "torch",
    )
    seen = []
    monkeypatch.setattr(bench_growth, "rows", lambda quick: seen.append(quick) or iter([row]))
    monkeypatch.setattr(contest, "rates", lambda rounds: [])
    assert main(["bench", "growth", "--quick", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    (entry,) = json.loads(out)
    assert list(entry) == [
        *(
            "name",
            "size",
            "ratio",
            "against",
            "limit_fraction",
            "seconds",
            "rounds",
            "spread",
            "threads",
            "kernel",
        )
    ]
    assert seen == [True]
    assert "T1 met: gradient, float64 storage" in err
    assert "T2 MISSED: gradient, float64 storage" in err


def test_the_program_starts_anew_where_numpy_may_use_more_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    started = []
    monkeypatch.setattr(
        "lowrank_core.__main__.subprocess.run",
        lambda command, env: started.append((command, env)) or subprocess.CompletedProcess(command, 3),
    )
    assert main(["bench", "growth", "--quick", "--json", "-"]) == 3
    ((command, environment),) = started
    assert command == [sys.executable, "-m", "lowrank_core", "bench", "growth", "--quick", "--json", "-"]
    assert environment["OMP_NUM_THREADS"] == "1"


def test_rates_of_this_machine_are_positive_and_bfloat16_is_there(monkeypatch):
    monkeypatch.setattr(machine, "LARGEST_READ", 2**21)
    monkeypatch.setattr(machine, "ORDER", 64)
    table = contest.rates(rounds=2)
    assert [row.name for row in table] == [
        "limit: read",
        "limit: multiply, float64",
        "limit: multiply, float32",
        "limit: multiply, bfloat16",
    ]
    assert all(row.seconds > 0 for row in table)


@pytest.mark.parametrize("without", [True, False], ids=["torch", "compiled if there"])
def test_reading_reads_all_of_its_bytes(without, monkeypatch):
    if without:
        monkeypatch.setattr(machine, "find_spec", lambda name: None)
    read, nbytes = machine.reading(3 * 2**20)
    assert nbytes == 3 * 2**20
    assert float(read()) == nbytes / 8
