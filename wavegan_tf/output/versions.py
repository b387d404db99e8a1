"""What repeats a run: its command, its flags and the versions of what it rests on."""

import importlib.metadata
import platform
from typing import Any

PACKAGES = (
    "tensorflow", "tensorflow-io", "keras", "numpy", "scipy", "pandas", "praat-parselmouth",
    "scikit-learn", "matplotlib", "av",
)  # fmt: skip


def run_record(command: str, flags: dict[str, Any]) -> dict[str, Any]:
    """Makes the record of a run for its config.json: ``command``, ``flags``, ``versions``."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"command": command, "flags": dict(sorted(flags.items())), "versions": versions}
