"""The training loop: steps, checkpoints and summaries."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow as tf

from wavegan_tf.checkpoints import files, names
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.training.losses import LOSSES
from wavegan_tf.training.summaries import Summaries
from wavegan_tf.training.updates import (
    draw,
    make_optimizers,
    update_discriminator,
    update_generator,
)

_log = logging.getLogger("wavegan_tf")


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained.

    Attributes:
        loss: One of ``wgan-gp``, ``wgan``, ``lsgan``, ``dcgan``.
        batch_size: Examples in every update.
        disc_nupdates: Discriminator updates in a step, before the Generator's one.
        seed: Of initial weights, latent vectors and the order of the data.
    """

    loss: str = "wgan-gp"
    batch_size: int = 64
    disc_nupdates: int = 5
    seed: int = 0

    def __post_init__(self):
        """Checks every value against its rule."""
        if self.loss not in LOSSES:
            raise InputError(f"--wavegan_loss={self.loss}: must be one of {', '.join(LOSSES)}")
        for flag, value, least in (
            ("train_batch_size", self.batch_size, 1),
            ("wavegan_disc_nupdates", self.disc_nupdates, 1),
            ("seed", self.seed, 0),
        ):
            if value < least:
                raise InputError(f"--{flag}={value}: must be {least} or more")


@dataclass(frozen=True)
class Schedule:
    """When a training stops, saves and writes summaries.

    Attributes:
        train_steps: The step to stop at; 0 for never.
        save_secs: Seconds between checkpoints; 0 for none by time.
        save_steps: Steps between checkpoints; 0 for none by step.
        summary_secs: Seconds between summaries; 0 for none by time.
        summary_steps: Steps between summaries; 0 for none by step.
        keep: How many of the newest checkpoints to leave; 0 for all.
    """

    train_steps: int = 0
    save_secs: float = 300
    save_steps: int = 0
    summary_secs: float = 120
    summary_steps: int = 0
    keep: int = 5


class Trainer:
    """A model in training: its networks, optimisers, step and random state.

    Attributes:
        config: The architecture.
        training: How it is trained.
        networks: Generator, Discriminator, Q-network.
        optimizers: Theirs.
        step: Generator updates done, int64 variable.
        seed: All that the random draws depend on beside the step, int64 variable.
    """

    def __init__(self, config: ModelConfig, training: TrainingConfig):
        """Makes a model at its start."""
        self.config, self.training = config, training
        self.networks = build_networks(config, training.seed)
        self.optimizers = make_optimizers(self.networks, training.loss)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seed = tf.Variable(training.seed, dtype=tf.int64, trainable=False)

    def state(self) -> dict[str, names.Stored]:
        """Everything that going on needs, by name in a checkpoint."""
        return {
            **names.network_variables(self.networks),
            **names.optimizer_variables(self.optimizers, self.networks),
            names.STEP: names.Stored(self.step, ()),
            names.SEED: names.Stored(self.seed, ()),
        }

    def save(self, directory: str, keep: int = 0) -> str:
        """Writes a checkpoint; returns its prefix."""
        values = names.values_of(self.state())
        return files.write_checkpoint(directory, values, int(self.step), keep)

    def restore(self, checkpoint: files.Checkpoint) -> None:
        """Goes on from a checkpoint of ours or of the original, its optimisers' state included.

        A file without optimiser state (weights only) starts the optimisers anew, one without our
        seed keeps this training's; the log says so.

        Raises:
            InputError: A variable is missing or of another shape.
        """
        state = self.state()
        if names.SEED not in checkpoint.shapes:
            del state[names.SEED]
        slots = names.optimizer_variables(self.optimizers, self.networks)
        if not any(name in checkpoint.shapes for name in slots):
            _log.warning(
                "checkpoint %s holds no state of the optimisers of --wavegan_loss=%s: they "
                "start anew",
                checkpoint.prefix,
                self.training.loss,
            )
            state = {name: item for name, item in state.items() if name not in slots}
        names.assign(state, checkpoint)

    @tf.function
    def train_step(self, batches: Iterator) -> dict:
        """Runs one step on the next batches of real audio, [batch, slice_len, num_channels].

        Returns:
            The losses of the last updates, and under ``x`` and ``z`` the last batch and latents.
        """
        nupdates = self.training.disc_nupdates
        first = self.step * (nupdates + 1)
        for i in range(nupdates):
            x = next(batches)
            outputs = self._update_discriminator(x, self._draw(first + i))
        draws = self._draw(first + nupdates)
        outputs |= self._update_generator(draws)
        self.step.assign_add(1)
        return outputs | {"x": x, "z": draws.z}

    # Functions of their own, so that five updates are traced once.
    @tf.function
    def _update_discriminator(self, x, draws):
        return update_discriminator(self.networks, self.optimizers, self.training.loss, x, draws)

    @tf.function
    def _update_generator(self, draws):
        return update_generator(self.networks, self.optimizers, self.training.loss, draws)

    def _draw(self, update):
        return draw(self.config, self.training.batch_size, self.seed, update)


def train(
    trainer: Trainer,
    batches: Iterator,
    directory: str,
    schedule: Schedule,
    stopped: Callable[[], bool],
) -> Iterator[dict]:
    """Trains until the schedule's last step, saving and summarising on the way.

    Args:
        trainer: The model, at its start or restored.
        batches: Iterator of real audio, [batch, slice_len, num_channels].
        directory: The run directory.
        schedule: When to stop, save and summarise.
        stopped: Asked after every step; True ends the training early. A checkpoint is saved in
            either case.

    Yields:
        The losses of each step, scalar tensors by name.
    """
    summaries = Summaries(directory, trainer.config)
    step = int(trainer.step)
    if not files.list_prefixes(directory):
        trainer.save(directory)
    save_due = _Every(schedule.save_secs, schedule.save_steps)
    summary_due = _Every(schedule.summary_secs, schedule.summary_steps)
    last = schedule.train_steps and step >= schedule.train_steps
    while not last:
        outputs = trainer.train_step(batches)
        step += 1
        last = stopped() or step == schedule.train_steps
        losses = {name: value for name, value in outputs.items() if name.endswith("_loss")}
        if summary_due(step) or last:
            fake = trainer.networks.generator(outputs["z"])["out"]
            summaries.write(step, losses, x=outputs["x"], g_z=fake)
        if save_due(step) or last:
            trainer.save(directory, schedule.keep)
        yield losses


class _Every:
    """Says when something is due: every so many seconds, or every so many steps."""

    def __init__(self, secs: float, steps: int):
        self.secs, self.steps = secs, steps
        self.last = time.monotonic()

    def __call__(self, step: int) -> bool:
        by_time = self.secs > 0 and time.monotonic() - self.last >= self.secs
        by_step = self.steps > 0 and step % self.steps == 0
        if by_time or by_step:
            self.last = time.monotonic()
        return by_time or by_step
