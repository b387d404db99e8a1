"""Runs the package's scripts in forks of a process that has loaded what they import already.

A script as a user starts it spends most of a small test on importing TensorFlow and its like;
tests/test_walls.py starts every script as a user does. Reads requests from standard input, a line
of JSON each: to start a script, the words after ``python``, the folder, files for the output, what
is added to the environment; to wait for one, its number and options of ``os.waitpid``. Answers with
the number, with the exit status. Nothing is computed here before a fork, so each script starts
TensorFlow's threads itself, and ends as any script does.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import sys

import wavegan_tf

for module in pkgutil.walk_packages(wavegan_tf.__path__, "wavegan_tf."):
    if module.name != "wavegan_tf.__main__":
        importlib.import_module(module.name)


LIMIT_S = 300
"""A script that takes longer is ended."""


def run(words, cwd, stdout, stderr, environment):
    """In the fork: becomes the script, and does not return."""
    signal.alarm(LIMIT_S)
    os.chdir(cwd)
    os.environ.update(environment)
    for path, number in ((stdout, 1), (stderr, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdin.close()
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
        runpy.run_path(words[0], run_name="__main__")
    sys.exit()


gc.collect()
gc.freeze()  # or a fork would go through all of this again when it ends

for line in sys.stdin:
    request = json.loads(line)
    if "pid" in request:
        pid, status = os.waitpid(request["pid"], request["options"])
        answer = os.waitstatus_to_exitcode(status) if pid else None
    else:
        answer = os.fork()
        if not answer:
            run(**request)
    print(json.dumps(answer), flush=True)
