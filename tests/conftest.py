"""Fixtures that several test files share."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import wavegan_tf  # noqa: F401 - prepares TensorFlow, which tests import by themselves

# gRPC between processes of this machine must not go through a proxy.
os.environ["no_proxy"] = ",".join(filter(None, [os.environ.get("no_proxy"), "localhost"]))

ROOT = Path(__file__).parents[1]
MODEL_NAMES = (
    "wavegan",
    "ciwgan",
    "fiwgan",
    "wavegan_32768_batchnorm",
    "wavegan_65536_postfilter",
    "wavegan_nn_kernel17_lsgan",
)
SHORT_WINDOWS = ("--voicing_floor=200", "--f0_range=200,300")
"""Flags of measuring where it is not what is tested: Praat takes half the time."""


LONGEST = "readme train strategy trouble recipes identify updates networks probe interpolate demo"
"""Files of tests that take longest, which begin first, so that workers of xdist end together."""


def pytest_configure(config):
    config.option.loadscopereorder = False  # xdist: files by their number of tests


def pytest_collection_modifyitems(items):
    names = [f"test_{name}.py" for name in LONGEST.split()]
    places = {name: place for place, name in enumerate(names)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_addoption(parser):
    parser.addoption(
        "--reference",
        default=str(ROOT / "tests" / "reference"),
        help="folder with recordings of the original code (checkpoints/, steps/)",
    )


@pytest.fixture(scope="module", autouse=True)
def _logger():
    """Commands that run in the tests' process leave its logger as it was."""
    logger = logging.getLogger("wavegan_tf")
    kept = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate, logger.level = kept


@pytest.fixture(scope="session")
def reference(request):
    return Path(request.config.getoption("reference"))


class Script:
    """A script that was started, in a fork of tests/launcher.py; used as subprocess.Popen is."""

    def __init__(self, ask, folder, words, cwd, environment):
        self.ask, self.args, self.returncode = ask, words, None
        self.paths = {name: folder / name for name in ("stdout", "stderr")}
        files = {name: str(path) for name, path in self.paths.items()}
        self.pid = ask(words=words, cwd=str(cwd), environment=environment, **files)

    def poll(self, options=os.WNOHANG):
        if self.returncode is None:
            self.returncode = self.ask(pid=self.pid, options=options)
        return self.returncode

    def wait(self):
        return self.poll(0)

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def finish(self):
        """Waits for its end; what it was, its status, its output."""
        output = {"returncode": self.wait()}
        output |= {name: path.read_text() for name, path in self.paths.items()}
        return subprocess.CompletedProcess(self.args, **output)


@pytest.fixture(scope="session")
def start_script(tmp_path_factory):
    """Starts a script of the top level, or a command with -m, as a user does."""
    launcher = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "launcher.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def ask(**request):
        launcher.stdin.write(json.dumps(request) + "\n")
        launcher.stdin.flush()
        return json.loads(launcher.stdout.readline())

    def start(script, *args, cwd=ROOT, environment=None):
        words = [*script.split(), *map(str, args)]
        return Script(ask, tmp_path_factory.mktemp("output"), words, cwd, environment or {})

    with launcher:  # closes its input, at which it ends
        yield start


@pytest.fixture(scope="session")
def run_script(start_script):
    """Runs a script to its end."""
    return lambda *words, **given: start_script(*words, **given).finish()


@pytest.fixture(scope="session")
def run_alone():
    """Runs a script in an interpreter of its own."""

    def run(script, *args, cwd=ROOT):
        command = [sys.executable, *script.split(), *map(str, args)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def speech_dir(tmp_path_factory):
    """A folder of six short synthetic vowels at 8 kHz, 16-bit WAV."""
    from scipy.io import wavfile

    directory = tmp_path_factory.mktemp("speech")
    time_s = np.arange(6000) / 8000
    for i in range(6):
        f0_hz = 90 + 20 * i
        sound = sum(np.sin(2 * np.pi * f0_hz * k * time_s) / k for k in range(1, 9))
        envelope = np.minimum(1, np.minimum(time_s, time_s[::-1]) / 0.05)
        pcm = (8000 * sound / np.abs(sound).max() * envelope).astype(np.int16)
        wavfile.write(directory / f"vowel{i}.wav", 8000, pcm)
    return directory


@pytest.fixture
def eagerly():
    """TensorFlow without graphs, whose making takes most of the time of a few small updates."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def drawn(monkeypatch):
    """Figures by name as they would be saved, without the time that takes."""
    from wavegan_tf.output import style

    figures = {}

    monkeypatch.setattr(style, "save", lambda named, folder: figures.update([named]))
    return figures


def wait_until(happened, seconds=120):
    """Waits until a function says yes, and fails if it does not."""
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert happened()


def assert_refused(result, *words):
    """A script ended with an error in words, without a traceback."""
    assert result.returncode != 0
    assert "Traceback" not in result.stderr, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def said(figure):
    """All that is written in a figure."""
    texts = figure.findobj(lambda x: hasattr(x, "get_text"))
    return " | ".join(text.get_text() for text in texts)


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory):
    """Controls are kept for the tests alone."""
    os.environ["WAVEGAN_TF_CACHE"] = str(tmp_path_factory.mktemp("cache"))
