"""Kills a training at random moments and asks whether anything was lost.

  python tests/kill_and_resume.py --kills=10 --work_dir=DIR -- COMMAND

COMMAND trains to an end and has {run} in place of its run directory, for example

  python train.py --deterministic --data_dir=recordings --data_first_slice --train_dir={run}
    --wavegan_dim=2 --train_batch_size=4 --train_save_steps=1 --train_steps=60

It runs once undisturbed, and once killed with SIGKILL and started again so many times. The newest
checkpoint must open after every kill, never be an older one than was seen before, and in the end
hold the undisturbed run's values to the bit.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.checkpoints import files  # noqa: E402


def newest_name(run):
    prefixes = files.list_prefixes(str(run))
    return os.path.basename(prefixes[-1]) if prefixes else None


def start_alone(command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def run_until_killed(command, run, moment_s, start, deadline_s=300):
    """Starts the command and kills it, so many seconds after its first new checkpoint.

    A negative moment counts from the start, so that start-up is hit too.
    """
    before, begun = newest_name(run), time.monotonic()
    process = start(command)
    while moment_s > 0 and newest_name(run) == before:
        if process.poll() is not None or time.monotonic() - begun > deadline_s:
            process.kill()
            raise SystemExit(f"no new checkpoint (status {process.wait()})")
        time.sleep(0.01)
    time.sleep(abs(moment_s))
    assert process.poll() is None, "it ended before it was killed; give it more steps"
    process.kill()
    process.wait()


def kill_and_resume(command, work_dir, kills, seed=0, span_s=1.0, start=start_alone):
    """Runs the experiment; prints a line per kill and raises AssertionError if anything is lost.

    Args:
        command: List of words, with {run} where the run directory stands.
        work_dir: Path; two run directories are made in it.
        kills: How many.
        seed: Of the moments.
        span_s: Kills come up to so many seconds after a start's first new checkpoint; every third
            within four seconds of the start.
        start: Starts a command; returns what is used as a subprocess.Popen.
    """
    runs = straight, killed = Path(work_dir) / "straight", Path(work_dir) / "killed"
    for run in runs:
        shutil.rmtree(run, ignore_errors=True)
    commands = [[word.replace("{run}", str(run)) for word in command] for run in runs]
    moments = random.Random(seed)
    for number in range(1, kills + 1):
        at_start = number % 3 == 0
        moment_s = moments.uniform(0.05, 4.0) if at_start else moments.uniform(0.0, span_s)
        before = newest_name(killed)
        run_until_killed(commands[1], killed, -moment_s if at_start else moment_s, start)
        newest = newest_name(killed)
        if newest is not None:
            whole = files.newest_whole(str(killed))
            assert os.path.basename(whole.prefix) == newest, f"{newest} does not open"
            places = [files.place(name) for name in (before or "", newest)]
            assert places[0] <= places[1], f"{before} was there before, now {newest}"
        print(f"kill {number}: newest {newest}", flush=True)
    for command in commands:
        assert start(command).wait() == 0
    assert newest_name(killed) == newest_name(straight)
    expected, found = (files.newest_whole(str(run)) for run in runs)
    assert expected.shapes == found.shapes
    values = [(expected.read(name), found.read(name), name) for name in expected.shapes]
    differing = [name for one, other, name in values if not np.array_equal(one, other)]
    assert not differing, f"{len(differing)} of {len(values)} values differ: {differing[:3]}"
    print(f"{newest_name(killed)}: all {len(values)} values equal those of the undisturbed run")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--span_s", type=float, default=1.0)
    parser.add_argument("--work_dir", required=True)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    kill_and_resume(args.command, args.work_dir, args.kills, args.seed, args.span_s)
