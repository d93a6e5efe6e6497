"""Power cuts: whenever a build is killed with all its processes, the next one is right."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from .conftest import REPOSITORY
from .test_traps import CLAIM, LEDGER


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills a whole group of processes")
def test_a_build_that_is_killed_at_any_moment_leaves_nothing_wrong_behind(make_book, request):
    tiny = make_book()
    tiny.set_pages(index=[LEDGER], chapter=[CLAIM.format(claim="one")], other=[CLAIM.format(claim="two")])
    begin = time.monotonic()
    assert tiny.tool("build").returncode == 0
    duration = time.monotonic() - begin
    tool = [sys.executable, str(REPOSITORY / "tools" / "book.py"), "build", "--root", str(tiny.root)]
    moments = random.Random(16)
    for answer in range(42, 42 + request.config.getoption("kills")):
        tiny.set_core(answer)  # so that whatever an earlier build left is wrong now
        with subprocess.Popen(
            tool, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as build:
            time.sleep(moments.uniform(0, duration))
            os.killpg(build.pid, signal.SIGKILL)
        again = tiny.tool("build")
        assert again.returncode == 0, again.stdout
        for page in ("chapter", "other"):
            assert f"the answer is {answer}" in tiny.html(page)
            assert ["".join(output["text"]) for output in tiny.outputs(page)] == [f"the answer is {answer}\n"]
        assert f"ledger: one = {answer} two = {answer}" in tiny.html("index")
