"""What evaluate says of made outputs whose relation to a made corpus is known, seed by seed.

  python tests/planted_evaluate.py --seeds=20

Words are tones of their own course of pitch and formant; takes differ in pitch, length, onset and
level. ``copies``: outputs are recordings with noise 30 dB below, other levels and small shifts.
``new``: outputs are further takes; neither copies, nor a distance, nor another diversity may be
claimed in more than 5 % of the seeds, but for what sampling adds. ``typical``: outputs are takes
near the mean of their word: they differ, and are no copies. ``codes``: each code has one word, and
every code is to be found; ``random``: codes and words have nothing to do with each other.
``poor``: labels are dealt out, so that the classifier is not above chance and judges nothing.
``pure``: numbers of one distribution, 10 times the number of seeds, 30 beside 40 and 100 beside
150: each comparison of sets may claim something in 5 %. ``deaf``: numbers that tell speakers, who
prefer words of their own, but no word, as often: in 5 % a share of held-out recordings, or of those
of new speakers, may be above chance. Ends with status 1 where a kind fails.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.experiments.labelled import Ears, learn, name_outputs
from wavegan_tf.speech.spectra import mfcc
from wavegan_tf.stats import likeness, naming
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.recognition import ABOVE
from wavegan_tf.stats.resampling import StatisticsSettings

RATE_HZ, LENGTH, WORDS = 16000, 16384, "pqrstu"
QUICK = StatisticsSettings(n_resamples=200)
KINDS = ("copies", "new", "typical", "codes", "random", "poor", "pure", "deaf")


def take(word, rng, spread=1.0):
    """A take of a word, ``[time, 1]``; ``spread`` scales how much takes differ."""
    start, end = np.random.default_rng(WORDS.index(word)).uniform(400, 3500, (2, 3))
    f0_hz, length_s = 200 * 2 ** (0.3 * spread * rng.standard_normal()), 0.45
    length_s *= 2 ** (0.3 * spread * rng.standard_normal())
    onset_s = 0.15 + 0.05 * spread * rng.random()
    shift = 2 ** (0.12 * spread * rng.standard_normal(3))
    at_s = np.arange(LENGTH, dtype=np.float32) / RATE_HZ
    t = np.clip((at_s - onset_s) / length_s, 0, 1)
    few = np.linspace(0, 1, 50)[:, np.newaxis]
    formants_hz, sound = (start + (end - start) * few) * shift, np.zeros(LENGTH)
    for k in range(1, 17):
        gain = (1 / (1 + ((k * f0_hz - formants_hz) / 150) ** 2)).sum(axis=1)
        sound += np.interp(t, few[:, 0], gain) * np.sin(np.float32(2 * np.pi * k * f0_hz) * at_s)
    sound *= np.maximum(np.sin(np.pi * t), 0) ** 0.5 * 10 ** (0.2 * rng.standard_normal())
    return (sound + 1e-3 * rng.standard_normal(LENGTH))[:, np.newaxis]


def copy(sound, rng):
    """A recording again: another level, up to 30 ms later or earlier, and noise."""
    moved = np.roll(sound, rng.integers(-480, 481), axis=0)
    noise = rng.standard_normal(sound.shape) * sound.std() * 10 ** (-30 / 20)
    return 2 ** rng.standard_normal() * (moved + noise)


def hear(sounds):
    """Sounds as evaluate keeps them."""
    ears = Ears(RATE_HZ, 4500, 0.5)
    for i, sound in enumerate(sounds):
        ears.hear(i, sound)
    return ears.heard()


def takes(n, rng, spread=1.0):
    """So many takes, words in turn."""
    return [take(WORDS[i % len(WORDS)], rng, spread) for i in range(n)]


def sets(kind, seed, n=60, m=90):
    """The table ``sets`` of outputs of a kind beside recordings."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    corpus = takes(m, rng)
    if kind == "copies":
        outputs = [copy(corpus[i], rng) for i in rng.choice(m, n)]
    else:
        outputs = takes(n, rng, 0.3 if kind == "typical" else 1.0)
    return judge(hear(outputs), hear(corpus))


def judge(outputs, corpus, draws=199):
    """The table ``sets``, by its measures."""
    mel, shape = (np.concatenate(x) for x in zip(outputs[1:3], corpus[1:3], strict=True))
    found = likeness.compare_sets(mel, shape, len(outputs.mel), draws, QUICK)
    copies = seek(outputs.mel, corpus.mel)
    return likeness.judge_sets(pd.concat([found, copies]), QUICK).set_index("measure")


def seek(outputs, corpus):
    """Seeks copies of half of the recordings, as evaluate does; the others are the control."""
    half = len(corpus) // 2
    distances = (likeness.nearest(x, corpus[half:])[0] for x in (outputs, corpus[:half]))
    return likeness.find_copies(*distances, QUICK)[0]


def words(kind, seed, n=60, each=12):
    """What is said of words of outputs of codes in turn."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    labels = np.repeat(list(WORDS), each)
    features = np.stack([mfcc(x) for x in hear([take(w, rng) for w in labels]).mel])
    if kind == "poor":
        labels = rng.permutation(labels)
    said = [WORDS[i % len(WORDS)] for i in range(n)]
    if kind == "random":
        said = rng.choice(list(WORDS), n)
    codes = np.array([f"c{1 + i % len(WORDS)}" for i in range(n)])
    outputs = hear([take(w, rng) for w in said])
    return name_outputs(learn(features, labels, None, QUICK), outputs.mel, codes, seed, QUICK)


def wrong(kind, seed):
    """What is said that is not so, and what is not said that is."""
    if kind in ("copies", "new", "typical"):
        verdicts = sets(kind, seed)["verdict"]
        copies = verdicts["nearer"] == likeness.COPIES
        if kind == "new":
            return copies or (verdicts[["diversity", "distance"]] == DIFFERS).any()
        told = verdicts["distance"] == DIFFERS
        return not copies if kind == "copies" else copies or not told
    found = words(kind, seed)
    if kind == "poor":
        return "codes" in found
    differs = (found["codes"]["verdict"] == DIFFERS).to_numpy()
    right = list(found["codes"]["word"]) == list(WORDS)
    return differs.any() if kind == "random" else not (differs.all() and right)


def pure(seed, n=30, m=40):
    """Which comparisons of sets claim something of numbers of one distribution."""
    rng = np.random.default_rng([seed, 99])
    x = rng.random([n + m, 8, 3]).astype(np.float32)
    shape = np.abs(rng.standard_normal([n + m, 20]))
    shape /= np.linalg.norm(shape, axis=1, keepdims=True)
    found = likeness.compare_sets(x, shape, n, 99, QUICK)
    table = pd.concat([found, seek(x[:n], x[n:])])
    return (table["p"] <= 0.05).to_numpy()


def deaf(seed, n=72):
    """Whether words are named above chance of recordings, and of new speakers, that tell none."""
    rng = np.random.default_rng([seed, 98])
    speakers = np.arange(n) % 4
    prefers = rng.random(n) < 0.5
    labels = np.where(prefers, speakers, rng.integers(4, size=n)).astype(str)
    features = rng.standard_normal([n, 20]) + 3 * rng.standard_normal([4, 20])[speakers]
    return (naming.hold_out(features, labels, speakers, QUICK)["verdict"] == ABOVE).to_numpy()


def many(kind, seed):
    """What is claimed of numbers that nothing holds of."""
    if kind == "deaf":
        return deaf(seed)
    return np.concatenate([pure(seed), pure(seed, 100, 150)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    given, failed = parser.parse_args(), 0
    for kind in given.kinds:
        if kind in ("pure", "deaf"):
            n = 10 * given.seeds
            counts = sum(many(kind, seed).astype(int) for seed in range(n))
            print(f"{kind}: {counts} of {n}", flush=True)
            failed += (counts > scipy.stats.binom.ppf(0.999, n, 0.05)).any()
            continue
        n_wrong = sum(bool(wrong(kind, seed)) for seed in range(given.seeds))
        by_chance = kind in ("new", "random", "poor")
        most = scipy.stats.binom.ppf(0.99, given.seeds, 0.05) if by_chance else 0
        failed += n_wrong > most
        print(f"{kind}: {n_wrong} of {given.seeds} seeds wrong (at most {most:g})", flush=True)
    sys.exit(int(failed > 0))


if __name__ == "__main__":
    main()
