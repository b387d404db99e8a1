"""The machine that TensorFlow computes on: what it is told before its import, and what it is."""

import contextlib
import functools
import os
import platform
from pathlib import Path


def prepare_tensorflow() -> None:
    """Sets what TensorFlow and Keras read when they are imported.

    oneDNN, TensorFlow's library of fast operations, is off by default on x86 CPUs without AVX-512,
    where it is the faster one too. What a user has set stays, but for Keras' backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's Keras is set to


def uses_onednn() -> bool:
    """Says whether TensorFlow, which is imported, computes with oneDNN."""
    from tensorflow.python.util import _pywrap_util_port  # there is no public place

    return bool(_pywrap_util_port.IsMklEnabled())


@functools.cache
def start_xla() -> None:
    """Starts XLA, which writes lines of no use to standard error at its first function."""
    import tensorflow as tf

    standard_error = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        with contextlib.suppress(tf.errors.OpError):  # not on this machine: a trial finds that out
            tf.function(tf.square, jit_compile=True)(tf.zeros([]))
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)


def describe_machine() -> dict[str, object]:
    """Says what the speed of TensorFlow rests on: processors, threads, oneDNN, version."""
    import tensorflow as tf

    from wavegan_tf.processes import num_processes

    gpus = tf.config.list_physical_devices("GPU")
    return {
        "cpu": _cpu_name(),
        "cpus": num_processes(),
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS"),
        "gpus": [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus],
        "onednn": uses_onednn(),
        "tensorflow": tf.__version__,
    }


def _cpu_name() -> str:
    """The processor's name and its vector instructions, as far as the system tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {name.strip(): text.strip() for name, text in fields.items()}
    flags = [x for x in named.get("flags", "").split() if x.startswith(("avx", "amx"))]
    return " ".join([named.get("model name", platform.machine()), *flags])
