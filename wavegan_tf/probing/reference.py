"""What ordinary outputs of a Generator are like, layer by layer: reference.npz."""

import os

import numpy as np

from wavegan_tf.analysis.averages import Reduction
from wavegan_tf.analysis.causes import changes
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.latents import sample_latents
from wavegan_tf.probing import sources
from wavegan_tf.report import tables

REFERENCE_SEED = 2_000_000
"""Of the ordinary outputs' latent vectors."""


def write_reference(directory: str, opened: Opened, layers: str, n: int) -> None:
    """Write reference.npz, from outputs of latent vectors as in training.

    It holds ``LAYER/CHANNEL/mean``, ``sd``, ``typical`` and ``distance`` of each layer, as
    ``causes.changes.describe_reference`` gives them; channels count from 1, and
    only the output can have several.

    Args:
        directory: Where.
        opened: The checkpoint.
        layers: ``--layers``.
        n: Number of outputs, at least 2. Those whose series are not finite are left out.
    """
    source = sources.make_source(opened, "generator", layers, Reduction())
    inputs = sources.Latents(sample_latents(opened.config, n, REFERENCE_SEED))
    described = {}
    for number in range(-(-n // sources.BATCH)):
        for output in source.outputs(sources.read_batch(inputs, number), 0, n):
            for layer in source.layers:
                series = output.series[layer.name].reshape(layer.length, -1)
                for channel, x in enumerate(series.T, start=1):
                    if np.isfinite(x).all():
                        rows = described.setdefault(f"{layer.name}/{channel}", [])
                        powers = changes.band_powers(x, layer.rate_hz)
                        rows.append(changes.features(x, powers))
    arrays = {
        f"{name}/{what}": array
        for name, rows in described.items()
        if len(rows) > 1
        for what, array in changes.describe_reference(np.array(rows)).items()
    }
    tables.write_npz(os.path.join(directory, "reference.npz"), arrays)
