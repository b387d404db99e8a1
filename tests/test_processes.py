"""Processes that work beside the first one: they never outlive it."""

import os
import signal
import subprocess
import sys
import time

import conftest
import pytest

WORK = """
import os, sys, time
from wavegan_tf.processes import in_processes

def work(job, plan):
    print(os.getpid(), flush=True)
    time.sleep(plan)

if __name__ == "__main__":
    list(in_processes(work, range(2), 100, 2))
"""


def lives(pid):
    """Whether a process works; one that has ended and is not yet reaped does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


@pytest.fixture
def first(tmp_path):
    """A process with two others that sleep; ``.others`` are their numbers."""
    (tmp_path / "work.py").write_text(WORK)
    with subprocess.Popen(
        [sys.executable, "work.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"PYTHONPATH": str(conftest.ROOT)},
    ) as process:  # fmt: skip
        process.others = [int(process.stdout.readline()) for _ in range(2)]
        yield process
        process.kill()
        for pid in filter(lives, process.others):
            os.kill(pid, signal.SIGKILL)


def test_they_leave_signals_to_the_first_one_and_end_with_it_even_if_it_is_killed(first):
    for pid in first.others:
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    time.sleep(0.2)
    assert all(map(lives, first.others))
    first.kill()
    conftest.wait_until(lambda: not any(map(lives, first.others)))


def test_one_that_dies_ends_all_at_once_with_an_error(first):
    os.kill(first.others[0], signal.SIGKILL)
    conftest.wait_until(lambda: first.poll() is not None and not lives(first.others[1]))
    assert "--jobs=2: a process died" in first.stderr.read()
