"""What recognise says of Q-networks whose answers are known by construction, seed by seed.

  python tests/planted_recognise.py --seeds=20

Recordings are noise in which a faint mark, a fixed noise of its own for each word, says which word
it is; no envelope shows it, and no network with random weights hears it. ``names``: Q reads the
mark and answers with the word's code in 80 % of the recordings; its layers show the word from conv3
on; of two words that it never heard, ``ours`` has a code of its own and ``others`` any code, and it
is less certain of both. Wrong is where anything else is said than this, missed what is not said,
and the interval of the share may leave out 80 % in 1 of 10 seeds. ``guesses``: answers and layers
have nothing to do with the words, and each kind of claim may be made in 5 % of the seeds.

``untrained``: networks with random weights hear words that differ in pitch and loudness, and each
stands for the model among twenty others. ``pure``: answers, curves and certainties without a
network, 1,000 times. Both claim what is not there in at most 5 % of cases, but for what sampling
adds. Ends with status 1 where a kind fails.
"""

import argparse
import collections
import functools
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
import scipy
import tensorflow as tf
from scipy.io import wavfile

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.experiments import listen
from wavegan_tf.experiments.listen import Recordings
from wavegan_tf.experiments.recognise import Options, hear, read_answers, run
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.stats import recognition as stats
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.resampling import StatisticsSettings

WORDS, UNSEEN = ("ba", "da", "ga", "ma", "na"), ("ours", "others")
CONFIG = ModelConfig(model="ciwgan", num_categ=6, dim=1)
RIGHT = 0.8
FROM = "conv3"
TOLD = ("conv3", "conv4", "conv5")
QUICK = StatisticsSettings(n_resamples=200)


def marks(seed=0):
    """Marks of the words, of a mistake, and of other codes, ``[marks, slice_len]``, of length 1."""
    drawn = np.random.default_rng([seed, 9]).standard_normal([14, CONFIG.slice_len])
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


class PlantedQ:
    """Reads the marks of a recording; ``guesses`` reads its noise instead."""

    def __init__(self, seed=0, guesses=False, config=CONFIG):
        self.config, self.guesses = config, guesses
        self.marks = tf.constant(marks(seed).T, tf.float32)

    def __call__(self, x):
        """Recordings [batch, slice_len, 1] to layers and logits."""
        heard = x[:, :, 0] @ self.marks  # [batch, marks]
        words, rest = heard[:, :7], heard[:, 7:]
        word = tf.argmax(words, axis=1)
        if self.guesses:
            word = tf.argmax(rest[:, :5], axis=1)
        mistake = tf.cast(rest[:, 0] > 1.5, tf.int64)
        code = tf.where(word < 5, (word + (0 if self.guesses else mistake)) % 5, 5)
        any_code = tf.argmax(rest[:, 1:7], axis=1)
        code = tf.where((word == 6) & (not self.guesses), any_code, code)
        sure = tf.where(word < 5, 6.0, 2.0) + 0.2 * rest[:, 6]
        outputs, known = {}, False
        for layer in self.config.classifier_layers:
            known |= layer.name == FROM
            blocks = tf.reshape(tf.abs(x[:, :, 0]), [-1, layer.length, x.shape[1] // layer.length])
            series = tf.reduce_mean(blocks, axis=2)
            if known:
                place = (tf.cast(word, tf.float32)[:, tf.newaxis] + 0.5) / 7
                at = (tf.range(layer.length, dtype=tf.float32) + 0.5) / layer.length
                series += 0.03 * tf.exp(-(((at - place) / 0.07) ** 2))
            outputs[layer.name] = series[:, :, tf.newaxis] * tf.ones([1, 1, layer.channels])
        outputs["logits"] = tf.one_hot(code, 6) * sure[:, tf.newaxis]
        return outputs


def model(seed=0, guesses=False) -> Model:
    """A model with such a Q alone."""
    checkpoint = SimpleNamespace(prefix="planted", sha256=lambda: "0" * 64)
    networks = Networks(None, None, PlantedQ(seed, guesses))
    return Model(Opened(CONFIG, networks, 0, "planted", checkpoint))


def record(folder, seed=0, each=20):
    """Writes recordings of every word, ``each`` of them, named by word and speaker."""
    rng, given = np.random.default_rng([seed, 1]), marks(seed)
    for number, word in enumerate(WORDS + UNSEEN):
        for k in range(each):
            sound = 0.1 * rng.standard_normal(CONFIG.slice_len) + 2 * given[number]
            sound += 3 * given[7] * (rng.random() > RIGHT)
            name = Path(folder) / f"{word}_s{k % 4}_{k}.wav"
            wavfile.write(name, CONFIG.sample_rate, sound.astype(np.float32))


def recognised(seed, guesses=False, each=20, **options):
    """A run on such recordings."""
    given = {"n_permutations": 199, "controls": 6, "unseen": ",".join(UNSEEN), "jobs": 1}
    with tempfile.TemporaryDirectory() as folder:
        record(folder, seed, each)
        options = Options(wav_dir=folder, statistics=QUICK, **(given | options))
        return run(model(seed, guesses), options)


def claims(result):
    """All that a run says: of Q, of layers, of words that were never heard, of certainty."""
    names = {"recognition": "n", "by_layer": "layer", "unseen": "word", "certainty": "n"}
    said = []
    for name, column in names.items():
        table = result.table(name)
        found = table[table["verdict"].isin((stats.BEYOND, stats.ABOVE, DIFFERS))]
        labels = found[column].tolist() if column != "n" else [name] * len(found)
        said += [f"{x} {y}" for x, y in zip(labels, found["verdict"], strict=True)]
    return said


TRUE = [
    f"recognition {stats.BEYOND}", *(f"{x} {stats.BEYOND}" for x in TOLD), f"ours {stats.BEYOND}",
    f"certainty {DIFFERS}",
]  # fmt: skip


def names(seeds):
    """Seeds in which something true is missed, or something false is said."""
    failed = outside = 0
    for seed in range(seeds):
        result = recognised(seed)
        said, row = claims(result), result.table("recognition").iloc[0]
        outside += not row["low"] <= RIGHT <= row["high"]
        if said != TRUE:
            failed += 1
            print(f"  seed {seed}: missed {set(TRUE) - {*said}}, wrong {set(said) - {*TRUE}}")
    print(f"names: {failed} of {seeds} seeds wrong; {outside} intervals without {RIGHT:.0%}")
    return outside > max(1, seeds // 10) or failed > seeds // 20


def guesses(seeds):
    """How often something is said of answers that have nothing to do with words, by kind."""
    found = collections.Counter()
    for seed in range(seeds):
        said = [x for x in claims(recognised(seed, guesses=True)) if stats.ABOVE not in x]
        found.update({"layers" if "conv" in x else x.split()[0] for x in said})
    most = int(scipy.stats.binom.ppf(0.99, seeds, 0.05))
    print(f"guesses: claims in {dict(found)} of {seeds} seeds; at most {most} of a kind")
    return max(found.values(), default=0) > most


def sing(folder, each=12):
    """Writes words that differ in pitch and loudness, which any network passes on."""
    rng, time_s = np.random.default_rng(5), np.arange(CONFIG.slice_len) / CONFIG.sample_rate
    for k, word in enumerate(WORDS):
        for i in range(each):
            f0_hz = (100 + 60 * k) * rng.uniform(0.9, 1.1)
            tone = sum(np.sin(2 * np.pi * f0_hz * h * time_s) / h for h in range(1, 9))
            swell = np.exp(-(((time_s - 0.3 - 0.05 * k) / rng.uniform(0.1, 0.2)) ** 2))
            sound = rng.uniform(0.1, 0.3) * tone * swell + 0.01 * rng.standard_normal(len(tone))
            wavfile.write(Path(folder) / f"{word}_{i}.wav", 16000, sound.astype(np.float32))


def untrained(n_networks=45, draws=500):
    """Whether networks with random weights are said to be beyond others such."""
    with tempfile.TemporaryDirectory() as folder:
        sing(folder)
        recordings = Recordings(folder, CONFIG)
        heard = [hear(model(), recordings, "all", k) for k in range(1, n_networks + 1)]
    task = stats.make_task(np.array(recordings.words), None, 99)
    parts = (task.drawn, task.folds)
    scores = []
    for each in heard:
        _, codes = np.unique(read_answers(each.logits, CONFIG)[0], return_inverse=True)
        own = {"q": stats.score_codes(parts[0], codes, parts[1], 1)}
        layers = {x: y for x, y in each.curves.items() if x != "input"}
        scores.append(
            own | {x: stats.score_curves(parts[0], y, parts[1]) for x, y in layers.items()}
        )
    rng, wrong, above = np.random.default_rng(0), np.zeros(2), 0
    for _ in range(draws):
        own, *others = rng.permutation(n_networks)[:21]
        rows = [
            stats.describe(*score, [scores[x][name][1][0] for x in others], QUICK)
            for name, score in scores[own].items()
        ]
        q, layers = (stats.add_verdicts(pd.DataFrame(x), QUICK) for x in (rows[:1], rows[1:]))
        wrong += [(x["verdict"] == stats.BEYOND).any() for x in (q, layers)]
        above += (q["verdict"] == stats.ABOVE).any()
    shares = wrong / draws
    print(f"untrained: {above / draws:.0%} above chance; beyond random weights "
          f"{shares[0]:.1%} of answers, {shares[1]:.1%} of runs with a layer")  # fmt: skip
    return (shares > scipy.stats.binom.ppf(0.999, draws, 0.05) / draws).any()


def pure(runs=1000, n=40):
    """Shares of runs with p < 0.05 where there is nothing."""
    rng, found = np.random.default_rng(1), []
    for _ in range(runs):
        words = rng.permutation(np.repeat(np.arange(5), n // 5))
        speakers = rng.integers(4, size=n)
        codes = rng.integers(6, size=n) - 1
        curves = np.cumsum(rng.standard_normal([n, 16]), axis=1) + speakers[:, np.newaxis]
        row = []
        for of in (None, speakers):
            task = stats.make_task(words, of, 99)
            own = np.where(speakers == 1, 0, codes) if of is not None else codes
            scores = [stats.score_codes(task.drawn, own, task.folds, 1)]
            scores.append(stats.score_curves(task.drawn, curves, task.folds))
            row += [stats.beside_chance(shares)["p"] for _, shares in scores]
        counts = stats.concentrate(codes, task.drawn, 0)
        row.append(stats.beside_chance(counts.max(axis=1) / counts.sum(axis=1))["p"])
        values = rng.standard_normal(5)[words] + 0.3 * rng.standard_normal(n)
        row.append(stats.compare_words(values, words, words > 2, 0.95)["p"])
        found.append(row)
    shares = (np.array(found) < 0.05).mean(axis=0)
    kinds = "codes, curves, codes by speaker, curves by speaker, one word's codes, certainty"
    most = scipy.stats.binom.ppf(0.999, runs, 0.05) / runs
    print(f"pure ({kinds}): {', '.join(f'{x:.1%}' for x in shares)}; at most {most:.1%}")
    return (shares > most).any()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    listen.random_network = functools.cache(listen.random_network)  # made once for all seeds
    failed = [names(given.seeds), guesses(given.seeds), untrained(), pure()]
    sys.exit(any(failed))


if __name__ == "__main__":
    main()
