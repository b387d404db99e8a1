"""What the layers of WaveGAN, ciwGAN and fiwGAN know about speech.

Everything is imported when it is first used, so that ``import wavegan_tf`` answers at once::

    import wavegan_tf as wg

    model = wg.load()  # the demo, or the path of a checkpoint
    z = model.sample(5, seed=0)
    layers = wg.average(model.activations(z))  # by layer [5, time]
    table = wg.measure(layers["out"][0], model.config.sample_rate)
    result = wg.probe(model, n=25)
"""

import importlib
from typing import Any

from wavegan_tf.machine import prepare_tensorflow

__version__ = "0.8.0"

_PLACES = {
    "load": "model",
    "Model": "model",
    "Models": "model",
    "average": "speech.averages",
    "to_sound": "speech.averages",
    "measure": "speech.measure",
    "find_intervals": "speech.intervals",
    "PraatSettings": "speech.settings",
    "IntervalSettings": "speech.settings",
    "load_run": "experiments.result",
    "Result": "experiments.result",
    "InputError": "errors",
}

_EXPERIMENTS = (
    "probe", "interpolate", "identify", "intervene", "feature_maps",
    "cdev", "projection", "contours", "vot", "recognise", "latency", "evaluate",
)  # fmt: skip

__all__ = [*_PLACES, *_EXPERIMENTS]

prepare_tensorflow()  # here, for nothing of the package can import TensorFlow before


def __getattr__(name: str) -> Any:
    if name in _EXPERIMENTS:
        return importlib.import_module("wavegan_tf.experiments.front").function(name)
    if name in _PLACES:
        return getattr(importlib.import_module(f"wavegan_tf.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'wavegan_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
