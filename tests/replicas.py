"""Two steps of a small training in one of several ways: replicas.py OUT.npz WAY [ADDRESS, ..].

WAY is ``one``, ``mirrored`` (two devices of this process) or ``worker0`` .. of the addresses.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf

from wavegan_tf.models.config import ModelConfig
from wavegan_tf.training.strategy import make_strategy, worker_place
from wavegan_tf.training.trainer import Trainer, TrainingConfig

BATCH = 4


def main(path, way, *addresses):
    if way == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        half = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [half, half])
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        if addresses:
            task = {"type": "worker", "index": int(way.removeprefix("worker"))}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        strategy = make_strategy("auto")
    index, count = worker_place(strategy)
    config = ModelConfig("ciwgan", dim=1, latent_dim=12, num_categ=4)
    trainer = Trainer(config, TrainingConfig(batch_size=BATCH, disc_nupdates=1), strategy)
    rng = np.random.default_rng(0)
    rows = slice(index * BATCH // count, (index + 1) * BATCH // count)
    audio = (rng.normal(size=[BATCH, 16384, 1]).astype(np.float32) / 10 for _ in range(2))
    batches = (tf.constant(x[rows]) for x in audio)
    while trainer.step < 2:
        outputs = trainer.advance(batches)
    scalars = {name: v.numpy() for name, v in outputs.items() if name.startswith(("G_", "Q_"))}
    np.savez(path, replicas=strategy.num_replicas_in_sync, **trainer.values(), **scalars)


if __name__ == "__main__":
    main(*sys.argv[1:])
