"""What repeats a run: its command, its flags and the versions of what it rests on."""

import importlib.metadata
import platform
import sys
from typing import Any

import wavegan_tf
from wavegan_tf.machine import uses_onednn

PACKAGES = (
    "tensorflow", "tensorflow-io", "keras", "numpy", "scipy", "pandas", "praat-parselmouth",
    "scikit-learn", "matplotlib", "av",
)  # fmt: skip


def run_record(command: str, flags: dict[str, Any]) -> dict[str, Any]:
    """Makes the record of a run for its config.json: ``command``, ``flags``, ``versions``."""
    versions = {"wavegan_tf": wavegan_tf.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if "tensorflow" in sys.modules:
        versions["oneDNN"] = "on" if uses_onednn() else "off"
    return {"command": command, "flags": dict(sorted(flags.items())), "versions": versions}
