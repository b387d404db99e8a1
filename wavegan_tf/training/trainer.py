"""A model in training."""

import dataclasses
import logging
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from wavegan_tf.checkpoints import files, names, run
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.layers import Arithmetic
from wavegan_tf.models.networks import build_networks
from wavegan_tf.training import trial, updates
from wavegan_tf.training.options import TrainingConfig

_log = logging.getLogger("wavegan_tf")


class Trainer:
    """A model in training: its networks, optimisers and place in the run.

    ``step`` counts Generator updates, ``update`` those of the Discriminator in the step at hand, 0
    .. disc_nupdates; ``seed`` is all that the random draws depend on beside the place.
    """

    def __init__(
        self,
        config: ModelConfig,
        training: TrainingConfig,
        strategy: tf.distribute.Strategy | None = None,
        forms: trial.Forms | None = None,
    ):
        """Makes a model at its start; ``strategy`` is TensorFlow's default unless given.

        ``forms`` are those that a run has recorded; without them, and a ``conv`` other than auto,
        the fastest of its convolutions are measured.

        Raises:
            InputError: The batch or the model cannot be divided among the replicas.
        """
        self.config, self.training = config, training
        self.strategy = strategy or tf.distribute.get_strategy()
        self._check_replicas()
        self.forms = trial.choose_forms(config, training, forms)
        arithmetic = Arithmetic(trial.to_choice(self.forms), training.dtype)
        with self.strategy.scope():
            self.networks = build_networks(config, training.seed, arithmetic)
            self.optimizers = updates.make_optimizers(
                self.networks, training.loss, training.learning_rate
            )
        self._updated = self.networks, self.optimizers, training.loss
        self.step, self.update, self.seed = 0, 0, training.seed

    @property
    def updates_done(self) -> int:
        """Updates of either kind since the start, of which every draw is a function."""
        return self.step * (self.training.disc_nupdates + 1) + self.update

    @property
    def batches_used(self) -> int:
        """How many batches of real audio the run has taken."""
        return self.step * self.training.disc_nupdates + self.update

    def values(self) -> dict[str, np.ndarray]:
        """Returns everything that going on needs, by name in a checkpoint."""
        stored = names.network_variables(self.networks)
        stored |= names.optimizer_variables(self.optimizers, self.networks)
        places = {files.STEP: self.step, names.UPDATE: self.update, names.SEED: self.seed}
        integers = {name: np.asarray(value, np.int64) for name, value in places.items()}
        return {name: item.value() for name, item in stored.items()} | integers

    def save(self, directory: str, keep: int = 0) -> str:
        """Writes a checkpoint, and config.json where there is none yet; returns its prefix."""
        if not os.path.exists(os.path.join(directory, run.CONFIG_FILE)):
            training = dataclasses.asdict(self.training)
            run.write_run_config(directory, {"model": self.config, "training": training})
        return files.write_checkpoint(directory, self.values(), self.step, keep, self.update)

    def restore(self, checkpoint: files.Checkpoint) -> None:
        """Goes on from a checkpoint of ours or of the original, its optimisers' state included.

        A file without optimiser state (weights only) starts the optimisers anew, one without our
        seed keeps this training's; the log says so.

        Raises:
            InputError: A variable is missing or of another shape.
        """
        stored = names.network_variables(self.networks)
        slots = names.optimizer_variables(self.optimizers, self.networks)
        if any(name in checkpoint.shapes for name in slots):
            stored |= slots
        else:
            what = f"of the optimisers of --wavegan_loss={self.training.loss}: they start anew"
            _log.warning("checkpoint %s holds no state %s", checkpoint.prefix, what)
        step, update, seed = (
            int(checkpoint.read(name)) if name in checkpoint.shapes or default is None else default
            for name, default in ((files.STEP, None), (names.UPDATE, 0), (names.SEED, self.seed))
        )
        with self.strategy.scope():
            names.assign(stored, checkpoint)
        self.step, self.seed = step, seed
        self.update = min(update, self.training.disc_nupdates)

    def advance(self, batches: Iterator) -> dict[str, tf.Tensor]:
        """Runs the next update: of the Discriminator, or the one that ends the step.

        ``batches`` are of real audio, this process' rows of each global batch, [rows, slice_len,
        num_channels]; the Generator's update takes none. Returns the update's losses, scalar
        tensors by name, and what it was run on: ``x``, the real audio, or ``z``, the latents
        [batch, latent_dim].
        """
        key = tf.constant([self.seed, self.updates_done], tf.int64)
        if self.update < self.training.disc_nupdates:
            x = tf.convert_to_tensor(next(batches))
            outputs = self._update_discriminator(self._distribute(x), key) | {"x": x}
            self.update += 1
            return outputs
        outputs = self._update_generator(key)
        self.step, self.update = self.step + 1, 0
        return outputs

    @tf.function
    def _update_discriminator(self, x: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
        draws = updates.draw(self.config, self.training.batch_size, key)
        with self.strategy.scope():
            return updates.update_discriminator(*self._updated, x, draws)

    @tf.function
    def _update_generator(self, key: tf.Tensor) -> dict[str, tf.Tensor]:
        draws = updates.draw(self.config, self.training.batch_size, key)
        with self.strategy.scope():
            outputs = updates.update_generator(*self._updated, draws)
        return outputs | {"z": draws.z}

    def _distribute(self, x: tf.Tensor) -> tf.Tensor:
        """This process' rows of a batch, a share for each of its replicas."""
        if self.strategy.num_replicas_in_sync == 1:
            return x
        num_local = len(self.strategy.extended.worker_devices)
        shares = tf.split(x, num_local)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: shares[context.replica_id_in_sync_group % num_local]
        )

    def _check_replicas(self) -> None:
        num_replicas = self.strategy.num_replicas_in_sync
        if self.training.batch_size % num_replicas:
            raise InputError(
                f"--train_batch_size={self.training.batch_size}: the global batch must be a "
                f"multiple of the {num_replicas} replicas"
            )
        if num_replicas > 1 and self.config.batchnorm:
            raise InputError(
                f"--wavegan_batchnorm: each of the {num_replicas} replicas would take statistics "
                "of its own share of the batch only; train this model with --strategy=one"
            )
