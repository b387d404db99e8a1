"""Slices per second: this package's data, the original's way (librosa), soundfile, and training.

  python benchmarks/bench_data.py

Makes a folder of words (or takes --data_dir), measures every way in turn, several rounds, and
prints medians; the last line is one JSON object. librosa and soundfile, which nothing else needs:

  pip install librosa soundfile "numpy<2"
"""

import itertools
import json
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np
import tensorflow as tf
from absl import app, flags
from scipy import signal
from scipy.io import wavfile

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.data.stream import SliceSource

try:
    import librosa
except ImportError:
    librosa = None
try:
    import soundfile
except ImportError:
    soundfile = None

flags.DEFINE_string("data_dir", None, "Folder of audio; by default one is made.")
flags.DEFINE_integer("files", 300, "Files of the folder that is made.", lower_bound=8)
flags.DEFINE_integer("train_batch_size", 64, "Slices in a batch.", lower_bound=1)
flags.DEFINE_float("seconds", 1.5, "Of each measurement.", lower_bound=0)
flags.DEFINE_integer("rounds", 3, "Measurements of each way, in turn.", lower_bound=1)
flags.DEFINE_integer("wavegan_dim", 16, "Width of the model whose training is measured.")
flags.DEFINE_integer("steps", 1, "Training steps measured, after one that compiles.")
flags.DEFINE_float("step_seconds", None, "Seconds of a training step, instead of measuring it.")

FLAGS = flags.FLAGS
CONFIG = SliceConfig(first_slice=True)
DISC_NUPDATES = 5
SHUFFLE_BUFFER = 4096  # the original's


def make_words(folder: str, num_files: int) -> None:
    """Writes vowels of 0.4 .. 1.2 s as WAV of 16 and 44.1 kHz and, with soundfile, FLAC and OGG."""
    rng = np.random.default_rng(0)
    kinds = [("wav", 16000), ("wav", 44100)]
    kinds += [("flac", 44100), ("ogg", 44100)] if soundfile else []
    for number in range(num_files):
        suffix, rate_hz = kinds[number % len(kinds)]
        time_s = np.arange(int(rng.uniform(0.4, 1.2) * rate_hz)) / rate_hz
        f0_hz = rng.uniform(80, 300)
        sound = sum(np.sin(2 * np.pi * f0_hz * k * time_s) / k for k in range(1, 12))
        sound = (0.2 * sound + rng.normal(0, 0.003, len(time_s))).astype(np.float32)
        path = os.path.join(folder, f"{number:05d}.{suffix}")
        if suffix == "wav":
            wavfile.write(path, rate_hz, (32767 * sound).astype(np.int16))
        else:
            soundfile.write(path, sound, rate_hz)


def load_librosa(path: str) -> np.ndarray:
    """float32 [time] at the model's rate."""
    return librosa.load(path, sr=CONFIG.sample_rate_hz, mono=True)[0]


def load_soundfile(path: str) -> np.ndarray:
    """float32 [time] at the model's rate."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    common = np.gcd(rate_hz, CONFIG.sample_rate_hz)
    return signal.resample_poly(samples.mean(1), CONFIG.sample_rate_hz // common, rate_hz // common)


def decoded_each_time(files: list[str], load) -> tf.data.Dataset:
    """The original's order of work: files shuffled, decoded in Python, slices shuffled, batched."""

    def first_slice(path):
        samples = load(path.numpy().decode())[: CONFIG.slice_len]
        samples = samples / (np.abs(samples).max() or 1)
        return np.pad(samples, (0, CONFIG.slice_len - len(samples)))[:, None].astype(np.float32)

    dataset = tf.data.Dataset.from_tensor_slices(files).shuffle(len(files)).repeat()
    dataset = dataset.map(
        lambda path: tf.py_function(first_slice, [path], tf.float32),
        num_parallel_calls=os.cpu_count(),
    )
    return dataset.shuffle(SHUFFLE_BUFFER).batch(FLAGS.train_batch_size, drop_remainder=True)


def ours(data_dir: str, cache: str | None, memory_bytes: int | None):
    """(seconds of the preflight, batches, the preflight's report)."""
    begun = time.perf_counter()
    store = ClipStore(CONFIG, cache, memory_bytes)
    report = preflight(data_dir, store)
    seconds = time.perf_counter() - begun
    source = SliceSource(report.recordings, store, batch_size=FLAGS.train_batch_size, seed=0)
    return seconds, source.batches(), report


def slices_per_second(batches, seconds: float) -> float:
    """Takes batches for so many seconds."""
    begun = time.perf_counter()
    count = 0
    while count < 1 or time.perf_counter() - begun < seconds:
        next(batches)
        count += 1
    return count * FLAGS.train_batch_size / (time.perf_counter() - begun)


def step_seconds(batches) -> float:
    """Seconds of one training step on these batches."""
    from wavegan_tf.models.config import ModelConfig
    from wavegan_tf.training.trainer import Trainer, TrainingConfig

    training = TrainingConfig(batch_size=FLAGS.train_batch_size, disc_nupdates=DISC_NUPDATES)
    trainer = Trainer(ModelConfig(dim=FLAGS.wavegan_dim), training)
    same = itertools.repeat(next(batches))  # training alone
    updates = DISC_NUPDATES + 1
    for i in range(updates * (FLAGS.steps + 1)):
        if i == updates:
            begun = time.perf_counter()
        outputs = trainer.advance(same)
    float(outputs["G_loss"])
    return (time.perf_counter() - begun) / FLAGS.steps


def main(argv):
    """Measures and prints."""
    del argv
    figures = {"slices_per_s": {}, "start_s": {}}
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = FLAGS.data_dir
        if data_dir is None:
            data_dir = os.path.join(scratch, "words")
            os.mkdir(data_dir)
            make_words(data_dir, FLAGS.files)
        cache = os.path.join(scratch, "cache")
        ways, report = {}, None
        for name, options in (  # each is what is left to do in epochs after the first
            ("memory", (None, None)),
            ("data_cache, first start", (cache, 0)),
            ("data_cache", (cache, 0)),
            ("uncached", (None, 0)),
        ):
            seconds, batches, found = ours(data_dir, *options)
            report = report or found
            begun = time.perf_counter()
            next(batches)
            figures["start_s"][name] = round(seconds + time.perf_counter() - begun, 3)
            ways[name] = batches
        del ways["data_cache, first start"]
        print("\n".join(report.lines()))
        files = [recording.path for recording in report.recordings]
        for name, module, load in (
            ("librosa", librosa, load_librosa),
            ("soundfile", soundfile, load_soundfile),
        ):
            if module is None:
                print(f'{name} is not there: pip install {name} "numpy<2"')
                continue
            begun = time.perf_counter()
            ways[name] = iter(decoded_each_time(files, load))
            next(ways[name])
            figures["start_s"][name] = round(time.perf_counter() - begun, 3)
        rates = {name: [] for name in ways}
        for _ in range(FLAGS.rounds):
            for name, batches in ways.items():
                rates[name].append(slices_per_second(batches, FLAGS.seconds))
        figures["slices_per_s"] = {name: round(statistics.median(r)) for name, r in rates.items()}
        step_s = FLAGS.step_seconds or step_seconds(ways["memory"])
        ways.clear()
    report_figures(figures, step_s)


def report_figures(figures: dict, step_s: float) -> None:
    """Prints the table and the JSON line."""
    consumed = FLAGS.train_batch_size * DISC_NUPDATES / step_s
    print(f"\n{'':<26}{'to first batch, s':>18}{'slices/s':>12}{'of training':>13}")
    for name, start_s in figures["start_s"].items():
        rate = figures["slices_per_s"].get(name)
        text = f"{rate:>12.0f}{rate / consumed:>12.1f}x" if rate else ""
        print(f"{name:<26}{start_s:>18.2f}{text}")
    how = "given" if FLAGS.step_seconds else f"measured, dim {FLAGS.wavegan_dim}"
    print(f"training consumes {consumed:.0f} slices/s ({step_s:.3g} s a step, {how})")
    figures["training_slices_per_s"], figures["step_s"] = round(consumed, 1), round(step_s, 4)
    rates = figures["slices_per_s"]
    figures["memory_over_training"] = round(rates["memory"] / consumed, 1)
    for name in ("librosa", "soundfile"):
        if name in rates:
            figures[f"memory_over_{name}"] = round(rates["memory"] / rates[name], 1)
    figures["batch_size"], figures["cpus"] = FLAGS.train_batch_size, os.cpu_count()
    print(json.dumps(figures))


if __name__ == "__main__":
    app.run(main)
