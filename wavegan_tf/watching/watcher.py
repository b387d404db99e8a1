"""A training's summaries: TensorBoard, metrics.jsonl, previews, warnings."""

import contextlib
import logging
import os
import re
import time

import numpy as np
import tensorflow as tf
from scipy.io import wavfile

from wavegan_tf.analysis.averages import to_sound
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.report.figures import layers_png
from wavegan_tf.watching import signs
from wavegan_tf.watching.evaluation import Evaluation, fixed_latents, fresh_latents
from wavegan_tf.watching.events import Events
from wavegan_tf.watching.metrics import Metrics

PREVIEWS, SAVING = "previews", ".saving"
NUM_PREVIEW = 32  # latents in a preview, as in the original
PREVIEW_SILENCE_S = 0.5
MAX_FIXED = 32  # fixed latents: all codes up to so many
NUM_FRESH = 100  # outputs that the Q-network is asked about
MAX_AUDIO = 10  # of one tag, and latents whose layers can be heard
LISTEN_GROWTH = 1.05
"""Sounds come when the step has grown by this factor: often while much changes, and 150 times, not
5000, in a training of a week. (TensorBoard shows ten of a tag.)"""

ORIGINAL = ("D_loss", "G_loss", "Q_loss", "x_rms", "G_z_rms")

_log = logging.getLogger("wavegan_tf")


def tensorboard_tag(name: str) -> str:
    """The tag of a scalar: the original's are as they were, the others form groups on the page."""
    return name if name in ORIGINAL or name.startswith("Q_accuracy") else f"training/{name}"


class Watcher:
    """Writes what one training shows of itself, at every summary."""

    def __init__(
        self,
        directory: str,
        networks: Networks,
        config: ModelConfig,
        seed: int,
        *,
        step: int,
        loss: str,
        batch_size: int,
        disc_nupdates: int,
        num_slices: int,
        holdout: np.ndarray | None = None,
    ):
        """Opens the files of a run, and drops what they say of steps after ``step``.

        Args:
            directory: The run directory; made if missing.
            networks: In training.
            config: The model.
            seed: Of the fixed and the fresh latents.
            step: Where the training stands.
            loss: One of ``wgan-gp``, ``wgan``, ``lsgan``, ``dcgan``.
            batch_size: Examples in an update.
            disc_nupdates: Discriminator updates in a step.
            num_slices: Slices in an epoch.
            holdout: Held-out real audio, float32 [n, slice_len, num_channels], or None.

        Raises:
            InputError: metrics.jsonl is damaged.
            OSError: A file cannot be written.
        """
        self.directory, self.config, self.seed = directory, config, seed
        self.wasserstein = loss in ("wgan-gp", "wgan")
        self.examples_per_step = batch_size * disc_nupdates  # real ones
        self.num_slices = num_slices
        self.holdout = holdout
        self.evaluation = Evaluation(networks, config)
        self.preview_z = sample_latents(config, NUM_PREVIEW, seed)
        self.fixed_z = fixed_latents(config, seed, MAX_FIXED)
        os.makedirs(os.path.join(directory, PREVIEWS), exist_ok=True)
        self.metrics = Metrics(directory, step)
        self.listened = self._drop_previews(step)
        self.events = Events(directory, step)
        # G's loss is judged where its level means something: a critic's is free to drift.
        self.judged = ("D_loss", "Q_loss") + (() if self.wasserstein else ("G_loss",))
        self.losses = {}
        for row in self.metrics.rows:
            self._note_losses(row)
        self.warned = set()
        self.last = None  # step and time at the end of the last summary

    def __enter__(self):
        """Returns itself."""
        return self

    def __exit__(self, *exception):
        """Closes the files."""
        self.close()

    def close(self) -> None:
        """Closes the files."""
        self.events.close()

    def write(self, step: int, outputs: dict) -> None:
        """Writes the summary of one step.

        Args:
            step: Generator updates done.
            outputs: What the step returned: scalars, whatever their names; ``x``, the last real
                audio [batch, slice_len, num_channels]; ``z``, the last latents [batch,
                latent_dim].

        Raises:
            OSError: A file cannot be written.
        """
        started = time.monotonic()
        x = np.asarray(outputs["x"])
        g_z = self.evaluation.generate(np.asarray(outputs["z"]))
        preview = self.evaluation.generate(self.preview_z)
        fixed = self.evaluation.average_layers(np.stack(list(self.fixed_z.values())))
        scalars = self._pace(step, started)
        scalars |= {k: float(v) for k, v in outputs.items() if np.ndim(v) == 0}
        scalars |= self._measure(step, x, g_z, preview)
        self._warn(step, scalars)
        with self.events.at(step):
            for name, value in scalars.items():
                tf.summary.scalar(tensorboard_tag(name), value)
            for name, audio in (("x", x), ("G_z", g_z)):
                tf.summary.histogram(f"{name}_rms_batch", signs.rms(audio))
            self._write_figure(step, fixed)
            if step >= LISTEN_GROWTH * self.listened:
                self._write_sounds(x, g_z, fixed)
                self._write_preview(step, preview)
                self.listened = step
        self.metrics.append(step, scalars)
        self.last = step, time.monotonic()

    def _pace(self, step: int, now: float) -> dict[str, float]:
        """Epoch and real examples per second since the last summary, which is not counted."""
        scalars = {"epoch": step * self.examples_per_step / self.num_slices}
        if self.last is not None:
            last_step, then = self.last
            scalars["examples_per_s"] = (step - last_step) * self.examples_per_step / (now - then)
        return scalars

    def _measure(self, step, x, g_z, preview) -> dict[str, float]:
        """What is to be known of outputs beside the losses."""
        scalars = {"x_rms": float(signs.rms(x).mean()), "G_z_rms": float(signs.rms(g_z).mean())}
        if len(x) > 1:
            of_data = signs.diversity(x)
            if of_data > 0:
                scalars["diversity"] = signs.diversity(preview) / of_data
        if self.config.num_categ:
            z = fresh_latents(self.config, NUM_FRESH, self.seed, step)
            scalars |= self.evaluation.q_accuracy(z)
        if self.holdout is not None and self.wasserstein:
            fake = self.evaluation.criticise(preview)
            scalars["holdout_wasserstein"] = self.evaluation.criticise(self.holdout) - fake
            scalars["train_wasserstein"] = self.evaluation.criticise(x) - fake
        return scalars

    def _note_losses(self, scalars: dict) -> None:
        for name in self.judged:
            if scalars.get(name) is not None and np.isfinite(scalars[name]):
                self.losses.setdefault(name, []).append(abs(scalars[name]))

    def _warn(self, step: int, scalars: dict) -> None:
        """Logs each sign of trouble when it sets in."""
        self._note_losses(scalars)
        found = signs.find_signs(step, scalars, self.losses)
        for name, message in found.items():
            if name not in self.warned:
                _log.warning("step %d: %s", step, message)
        self.warned = set(found)

    def _write_figure(self, step: int, fixed: dict) -> None:
        name = next(iter(self.fixed_z))
        png = layers_png(
            self.config.layers,
            {layer: series[:1] for layer, series in fixed.items()},
            f"Step {step}: averaged layers of fixed latent {name}",
        )
        tf.summary.image("layers", tf.io.decode_png(png, channels=3)[tf.newaxis])

    def _write_sounds(self, x: np.ndarray, g_z: np.ndarray, fixed: dict) -> None:
        """Audio of the batch, every fixed latent, and the averaged layers of the first ones."""
        for name, audio in (("x", x), ("G_z", g_z)):
            tf.summary.audio(name, audio, self.config.sample_rate, max_outputs=MAX_AUDIO)
        for layer, series in fixed.items():
            tag = "fixed" if layer == "out" else f"fixed_{layer}"
            for i, name in enumerate(self.fixed_z):
                if layer != "out" and i >= MAX_AUDIO:
                    break
                sound = to_sound(series[i].T, self.config.slice_len).T  # [slice_len(, channels)]
                sound = sound.reshape(1, self.config.slice_len, -1)
                tf.summary.audio(f"{tag}/{name}", sound, self.config.sample_rate)

    def _write_preview(self, step: int, preview: np.ndarray) -> None:
        """One WAV of all preview latents, half a second of silence between, as the original's."""
        silence = round(PREVIEW_SILENCE_S * self.config.sample_rate)
        padded = np.pad(preview, ((0, 0), (0, silence), (0, 0)))  # [n, slice_len + silence, c]
        sound = padded.reshape(-1, self.config.num_channels)[:-silence]
        pcm = (np.clip(np.nan_to_num(sound), -1, 1) * 32767).astype(np.int16)  # toward zero
        path = os.path.join(self.directory, PREVIEWS, f"{step:08d}.wav")
        try:
            wavfile.write(path + SAVING, self.config.sample_rate, pcm)
            os.replace(path + SAVING, path)
        except OSError as error:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path + SAVING)
            raise OSError(error.errno, error.strerror, path) from None

    def _drop_previews(self, step: int) -> int:
        """Removes previews of later steps, which come again; the step of the newest left, or 0."""
        newest = 0
        for name in os.listdir(os.path.join(self.directory, PREVIEWS)):
            match = re.fullmatch(rf"(\d{{8,}})\.wav({re.escape(SAVING)})?", name)
            if match and (match[2] or int(match[1]) > step):
                os.remove(os.path.join(self.directory, PREVIEWS, name))
            elif match:
                newest = max(newest, int(match[1]))
        return newest
