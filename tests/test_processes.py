"""Processes that work beside the first one: they never outlive it."""

import os
import signal
import subprocess
import sys
import time

import conftest

WORK = """
import os, time
from wavegan_tf.processes import in_processes

def work(job, plan):
    print(os.getpid(), flush=True)
    time.sleep(plan)

if __name__ == "__main__":
    list(in_processes(work, range(2), 100, 2))
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_end_when_the_first_one_is_killed_and_leave_signals_to_it(tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    first = subprocess.Popen(
        [sys.executable, "work.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(conftest.ROOT)}, start_new_session=True,
    )  # fmt: skip
    pids = [int(first.stdout.readline()) for _ in range(2)]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    time.sleep(0.2)
    assert all(map(alive, pids))
    first.kill()
    first.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))
