"""Which device ran what: from records and stored runs alone, and CUDA is named only where it was."""

from lowrank_core.claims import devices

CARD = "cuda (NVIDIA Example)"
EXPERIMENT = {"record": {"device": "cpu"}}
TESTED = {"passed": 0, "failed": 0, "skipped": 9, "date": "2026-01-02"}


def test_each_kind_of_record_has_its_line():
    part = {"processor": "Fast", "date": "2026-01-01"}
    kept = {
        "benchmarks": {"benchmarks": {"batch": part, "gradient": part}},
        "device-tests": {"cpu": TESTED},
        "one": EXPERIMENT,
        "two": EXPERIMENT,
        "three": EXPERIMENT | {"machine": {"date": "2026-01-03"}},
    }
    assert list(devices.ran([{"device": "cpu"}] * 3, kept)) == [
        ("cpu", "3 claims of the book", "this build"),
        ("cpu", "the tests that need CUDA: 0 passed, 0 failed, 9 skipped", "2026-01-02"),
        ("cpu (Fast)", "benchmarks: batch, gradient", "2026-01-01"),
        ("cpu", "stored runs: one, two", "not recorded"),
        ("cpu", "stored runs: three", "2026-01-03"),
    ]


def test_without_a_cuda_device_that_is_said():
    lines = list(devices.ran([{"device": "cpu"}], {"device-tests": {"cpu": TESTED}}))
    assert devices.on_cuda(lines).startswith("No CUDA device is among them")


def test_what_ran_on_a_cuda_device_is_named():
    kept = {"device-tests": {"cpu": TESTED, CARD: TESTED | {"passed": 9, "skipped": 0}}}
    words = devices.on_cuda(list(devices.ran([], kept)))
    assert words == (
        f"On a CUDA device ran: the tests that need CUDA: 9 passed, 0 failed, 0 skipped, 2026-01-02, on {CARD}."
    )


def test_the_table_shows_what_is_stored_here():
    table = devices.table([{"device": "cpu"}])
    assert "stored runs: " in repr(table)
    assert table.markup.count("<tr>") == len(repr(table).splitlines())
    assert repr(devices.state()) == repr(table).splitlines()[-1]
