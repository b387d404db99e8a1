"""What a training shows of itself: TensorBoard, metrics.jsonl, previews, warnings.

metrics.jsonl holds the scalars of every summary, one JSON object a line:

    {"step": 120, "time": "2024-03-01T12:00:00Z", "D_loss": -8.2, ...}
"""

import contextlib
import json
import logging
import math
import os
import re
import time

import numpy as np
import tensorflow as tf
from scipy.io import wavfile

from wavegan_tf.checkpoints import disk
from wavegan_tf.latents import sample_latents
from wavegan_tf.speech.averages import to_sound
from wavegan_tf.stats.health import diversity
from wavegan_tf.training import pictures, signs
from wavegan_tf.training.evaluation import Evaluation, fixed_latents, fresh_latents
from wavegan_tf.training.trainer import Trainer

METRICS_FILE, PREVIEWS = "metrics.jsonl", "previews"
NUM_PREVIEW = 32  # latents in a preview, as in the original
PREVIEW_SILENCE_S = 0.5
NUM_FRESH = 100  # outputs that the Q-network is asked about
MAX_AUDIO = 10  # of one tag, and latents whose layers can be heard
MAX_IMAGES = 4  # spectrograms of one tag
NUM_SOUNDS = 200  # that a summary needs space for; TensorFlow is silent about a full disk
# Sounds come when the step has grown by this factor: 150 times, not 5000, in a training of a week.
LISTEN_GROWTH = 1.05

_log = logging.getLogger("wavegan_tf")


def tensorboard_tag(name: str) -> str:
    """Returns the tag of a scalar: the original's as they were, others grouped on the page."""
    original = name in ("D_loss", "G_loss", "Q_loss", "x_rms", "G_z_rms")
    return name if original or name.startswith("Q_accuracy") else f"training/{name}"


class Monitor:
    """Writes what one training shows of itself, at every summary."""

    def __init__(
        self, directory: str, trainer: Trainer, num_slices: int, holdout: np.ndarray | None = None
    ):
        """Opens the files of a run directory; drops what they say of steps after the trainer's.

        ``num_slices`` are those of an epoch; ``holdout`` is real audio, float32 [n, slice_len,
        num_channels].
        """
        self.directory, self.config, self.seed = directory, trainer.config, trainer.seed
        training, step = trainer.training, trainer.step
        self.wasserstein = training.loss in ("wgan-gp", "wgan")
        self.examples_per_step = training.batch_size * training.disc_nupdates  # real ones
        self.num_slices, self.holdout = num_slices, holdout
        self.evaluation = Evaluation(trainer.networks, self.config)
        self.preview_z = sample_latents(self.config, NUM_PREVIEW, self.seed)
        self.fixed_z = fixed_latents(self.config, self.seed)
        # G's loss is judged where its level means something: a critic's is free to drift.
        self.judged = ("D_loss", "Q_loss") + (() if self.wasserstein else ("G_loss",))
        self.losses: dict[str, list[float]] = {}
        for row in read_metrics(directory, step):
            self._note_losses(row)
        self.warned: set[str] = set()
        self.last: tuple[int, float] | None = None  # step and time at the end of the last summary
        self.listened = self._drop_previews(step)
        self.events = self._open_events(step)
        self.close = self.events.close

    def write(self, step: int, outputs: dict) -> None:
        """Writes the summary of one step, of which Trainer.advance returned ``outputs``.

        Raises:
            OSError: A file cannot be written.
        """
        started = time.monotonic()
        sound_bytes = 2 * self.config.slice_len * self.config.num_channels
        disk.check_space(self.directory, NUM_SOUNDS * sound_bytes)
        x = np.asarray(outputs["x"])
        g_z = self.evaluation.generate(np.asarray(outputs["z"]))
        preview = self.evaluation.generate(self.preview_z)
        fixed = self.evaluation.average_layers(np.stack(list(self.fixed_z.values())))
        scalars = {"epoch": step * self.examples_per_step / self.num_slices}
        if self.last is not None:  # real examples since the last summary, which is not counted
            num_examples = (step - self.last[0]) * self.examples_per_step
            scalars["examples_per_s"] = num_examples / (started - self.last[1])
        scalars |= {k: float(v) for k, v in outputs.items() if np.ndim(v) == 0}
        scalars |= self._measure(step, x, g_z, preview)
        self._warn(step, scalars)
        with self.events.as_default(step):
            for name, value in scalars.items():
                tf.summary.scalar(tensorboard_tag(name), value)
            for name, audio in (("x", x), ("G_z", g_z)):
                tf.summary.histogram(f"{name}_rms_batch", signs.rms(audio))
            title = f"Step {step}: averaged layers of fixed latent {next(iter(self.fixed_z))}"
            first = {name: series[0] for name, series in fixed.items()}
            tf.summary.image("layers", pictures.draw_layers(self.config.layers, first, title))
            if step >= LISTEN_GROWTH * self.listened:
                for name, audio in (("x", x), ("G_z", g_z)):
                    images = pictures.spectrograms(audio[:MAX_IMAGES], self.config.sample_rate)
                    tf.summary.image(f"spectrogram/{name}", images, max_outputs=MAX_IMAGES)
                    tf.summary.audio(name, audio, self.config.sample_rate, max_outputs=MAX_AUDIO)
                self._write_fixed(fixed)
                self._write_preview(step, preview)
                self.listened = step
            self.events.flush()
        append_metrics(self.directory, step, scalars)
        self.last = step, time.monotonic()

    def _measure(
        self, step: int, x: np.ndarray, g_z: np.ndarray, preview: np.ndarray
    ) -> dict[str, float]:
        scalars = {"x_rms": float(signs.rms(x).mean()), "G_z_rms": float(signs.rms(g_z).mean())}
        of_data = diversity(x) if len(x) > 1 else 0
        if of_data > 0:
            scalars["diversity"] = diversity(preview) / of_data
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

    def _warn(self, step: int, scalars: dict[str, float]) -> None:
        """Logs each sign of trouble when it sets in."""
        self._note_losses(scalars)
        found = signs.find_signs(step, scalars, self.losses)
        for name in (name for name in found if name not in self.warned):
            _log.warning("step %d: %s", step, found[name])
        self.warned = set(found)

    def _write_fixed(self, fixed: dict[str, np.ndarray]) -> None:
        """Audio of every fixed latent, and the averaged layers of the first ones."""
        for layer, series in fixed.items():
            tag, most = ("fixed", None) if layer == "out" else (f"fixed_{layer}", MAX_AUDIO)
            for name, one in list(zip(self.fixed_z, series, strict=True))[:most]:
                sound = to_sound(one.T, self.config.slice_len).T  # [slice_len(, channels)]
                sound = sound.reshape(1, self.config.slice_len, -1)
                tf.summary.audio(f"{tag}/{name}", sound, self.config.sample_rate)

    def _write_preview(self, step: int, preview: np.ndarray) -> None:
        """One WAV of all preview latents, half a second of silence between, as the original's."""
        silence = round(PREVIEW_SILENCE_S * self.config.sample_rate)
        padded = np.pad(preview, ((0, 0), (0, silence), (0, 0)))  # [n, slice_len + silence, c]
        sound = padded.reshape(-1, self.config.num_channels)[:-silence]
        pcm = (np.clip(np.nan_to_num(sound), -1, 1) * 32767).astype(np.int16)  # toward zero
        with disk.written(os.path.join(self.directory, PREVIEWS, f"{step:08d}.wav")) as scratch:
            wavfile.write(scratch, self.config.sample_rate, pcm)

    def _drop_previews(self, step: int) -> int:
        """Removes previews of later steps, which come again; the step of the newest left, or 0."""
        folder, newest = os.path.join(self.directory, PREVIEWS), 0
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            match = re.fullmatch(rf"(\d{{8,}})\.wav({re.escape(disk.SAVING)})?", name)
            if match and (match[2] or int(match[1]) > step):
                os.remove(os.path.join(folder, name))
            elif match:
                newest = max(newest, int(match[1]))
        return newest

    def _open_events(self, step: int) -> tf.summary.SummaryWriter:
        """A new event file; TensorBoard forgets what earlier ones say of steps after ``step``."""
        log = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        start = tf.compat.v1.Event(wall_time=time.time(), step=step + 1, session_log=log)
        writer = tf.summary.create_file_writer(self.directory)
        # TensorFlow 2 has no other way to write this event.
        tf.raw_ops.ImportEvent(writer=writer._resource, event=start.SerializeToString())
        writer.flush()
        return writer


def read_metrics(directory: str, step: int) -> list[dict]:
    """Reads the rows of metrics.jsonl up to ``step``, oldest first, and drops all else from it.

    Rows of later steps come again; a kill or a power cut can leave lines that are no rows.
    """
    path, lines, rows = os.path.join(directory, METRICS_FILE), [], {}
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            row = json.loads(line)
            if row["step"] <= step and line.endswith("\n"):
                rows[line] = row
    if len(rows) < len(lines):
        disk.write_text(path, "".join(rows))
    return list(rows.values())


def append_metrics(directory: str, step: int, scalars: dict[str, float]) -> None:
    """Adds a row to metrics.jsonl, numbers with the digits of a float32, not finite ones null."""
    row: dict = {"step": step, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    for name, value in scalars.items():
        row[name] = float(str(np.float32(value))) if math.isfinite(value) else None
    path = os.path.join(directory, METRICS_FILE)
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
