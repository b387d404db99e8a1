"""Plants voice onset times, and groups whose difference is known or none, and asks for them.

The made speech of make_corpus, whose voice onset time is exact, with and without a noise floor,
at several rates; stops voiced through their closure; releases of two bursts. Then corpora of 60
tokens whose groups differ by a known amount, or not at all, through the tables of the experiment.
At last values without sounds, 50 times a seed: a difference that is as large in outputs as in
recordings, and outputs and recordings of one source, may be told apart in 5 % of the runs.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from scipy import signal
from scipy.stats import binom

from wavegan_tf.corpora import phonetics, stv, vocal_tract
from wavegan_tf.corpora.vocal_tract import Segment
from wavegan_tf.models.config import Layer
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.measure import measure
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_output
from wavegan_tf.speech.settings import INTERVALS, PRAAT, STOPS
from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS, compare_sources
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.resampling import StatisticsSettings
from wavegan_tf.stats.stops import PLAIN, WITH_S, compare_groups, first_stops

RATE_HZ = 16000
N_TOKENS = 60
GROUPS, SPREADS_S = (PLAIN, WITH_S), (0.015, 0.006)
QUICK = StatisticsSettings(n_resamples=100)


def stops_of(sound, rate_hz=RATE_HZ):
    """What is measured of the stop before the first voiced interval; None without one."""
    intervals = find_intervals(sound, float(rate_hz))
    rows = measure(sound, float(rate_hz), intervals, measures=STOPS)
    if not len(rows):
        return None
    first = rows[rows["interval"] == rows["interval"].min()]
    return first.astype({"measure": str}).set_index("measure")["value"]


def tokens(n, seed, s_share=0.5):
    """Clips of the corpus stv."""
    corpus = stv.Corpus(seed, stv.draw_speakers(20, seed), s_share)
    return [stv.make_clip(i, corpus) for i in range(n)]


def errors(n, seed, noise_db=None, rate_hz=RATE_HZ):
    """Errors of the voice onset time of made tokens, s; NaN where no stop was found."""
    rng, found = np.random.default_rng(seed), []
    for clip in tokens(n, seed):
        sound = clip.samples
        if rate_hz != RATE_HZ:
            shared = np.gcd(rate_hz, RATE_HZ)
            sound = signal.resample_poly(sound, rate_hz // shared, RATE_HZ // shared)
        if noise_db is not None:
            level_db = clip.row["vowel_level_db"] + noise_db
            sound = sound + 10 ** (level_db / 20) * rng.standard_normal(len(sound))
        stop = stops_of(sound, rate_hz)
        found.append(np.nan if stop is None else stop["vot"] - clip.row["vot_s"])
    return np.array(found)


def speak(segments, stop, vowel, f0_hz, rng):
    """Says segments and, after them, a vowel."""
    vowel_hz = phonetics.VOWELS_HZ[vowel]
    onset_hz = phonetics.onset_hz(stop, vowel_hz)
    whole = [*segments, *phonetics.vowel(vowel, vowel_hz, 0.2, onset_hz, 0.045)]
    contour_hz = [(0.0, f0_hz), (1.0, f0_hz)]
    return vocal_tract.fit(vocal_tract.speak(whole, contour_hz, -20.0, 1.0, rng))[0]


def burst(stop, vowel, duration_s, breath_db, voice_db=None, noise_s=0.006):
    """The segment of a burst 9 dB below the vowel."""
    onset_hz = phonetics.onset_hz(stop, phonetics.VOWELS_HZ[vowel])
    noise = phonetics.BURSTS[phonetics.PLACES[stop]]
    held_hz = (onset_hz, onset_hz)
    return Segment("burst", duration_s, held_hz, voice_db, breath_db, noise, -29.0, noise_s)


def voiced_stop(rng):
    """A stop voiced through its closure: sound, and its voice onset time, s (negative)."""
    stop, vowel = rng.choice(list("bdg")), rng.choice(list(phonetics.VOWELS_HZ))
    lead_s, f0_hz, voice_db = rng.uniform(0.05, 0.12), rng.uniform(90, 180), rng.uniform(-20, -14)
    bar_hz = (200.0, 1200.0, 2400.0)
    bar = Segment("bar", lead_s, (bar_hz, bar_hz), voice_db)
    released = burst(stop, vowel, rng.uniform(0.005, 0.012), None, voice_db)
    return speak([Segment("", 0.1), bar, released], stop, vowel, f0_hz, rng), -lead_s


def double_burst(rng):
    """A stop of two bursts: sound, lag between them and voice onset time of the first, s."""
    stop, vowel = rng.choice(list("ptk")), rng.choice(list(phonetics.VOWELS_HZ))
    lag_s, rest_s = rng.uniform(0.010, 0.030), rng.uniform(0.020, 0.040)
    bursts = [burst(stop, vowel, lag_s, -30, noise_s=0.004), burst(stop, vowel, rest_s, -16)]
    sound = speak([Segment("", 0.1), *bursts], stop, vowel, rng.uniform(90, 240), rng)
    return sound, lag_s, lag_s + rest_s


def compared(seed, difference_s, n=N_TOKENS):
    """The experiment's row of a corpus whose groups differ by so much on average."""
    rng = np.random.default_rng([seed, 1])
    usual, of_s = stv._VOT_MEAN_S, {k: 0.035 for k in "ptk"}
    stv._VOT_MEAN_S = {False: {k: 0.035 + difference_s for k in "ptk"}, True: of_s}
    spread, stv._VOT_BOUNDS_S = stv._VOT_BOUNDS_S, dict.fromkeys((False, True), (0.3, 0.0094, 0.15))
    try:
        clips = tokens(n, int(rng.integers(1e6)))
    finally:
        stv._VOT_MEAN_S, stv._VOT_BOUNDS_S = usual, spread
    length = max(len(clip.samples) for clip in clips)
    layer = Layer("out", length, 1, 1, 1, float(RATE_HZ))
    plan = Plan((layer,), "out", RATE_HZ, length, PRAAT, INTERVALS, measures=("duration", *STOPS))
    sounds = (np.pad(x.samples, (0, length - len(x.samples))).astype(np.float32) for x in clips)
    measured = (measure_output(Output(i, 0, {"out": x}), plan) for i, x in enumerate(sounds))
    tables, _ = gather(measured, plan)
    stops = first_stops(tables["outputs"], tables["intervals"]).assign(source=OUTPUTS)
    [row] = compare_groups(stops, StatisticsSettings()).to_dict("records")
    return row


def sources(rng, more_s):
    """Whether #TV is said to differ more from #sTV in outputs than in recordings, by so much."""
    means_s = {OUTPUTS: (0.055 + more_s, 0.030), RECORDINGS: (0.060, 0.035)}
    rows = [
        (source, group, vot_s)
        for source, both in means_s.items()
        for group, mean_s, sd_s, n in zip(
            (PLAIN, WITH_S), both, (0.015, 0.006), (30, 20), strict=True
        )
        for vot_s in rng.normal(mean_s, sd_s, n)
    ]
    table = compare_groups(pd.DataFrame(rows, columns=["source", "group", "vot"]), QUICK)
    return table.iloc[-1]["verdict"] == DIFFERS


def distributions(rng, more_s, n_measures=10):
    """Whether any measure of outputs and recordings is said to differ; one, if any, by so much."""
    rows = [
        (source, "voiced", f"m{k}", "s", value + more_s * (k == 0 and source == OUTPUTS))
        for source, n in ((OUTPUTS, 40), (RECORDINGS, 60))
        for k in range(n_measures)
        for value in 0.03 * np.exp(0.4 * rng.standard_normal(n))
    ]
    columns = ["source", "label", "measure", "unit", "value"]
    table = compare_sources(pd.DataFrame(rows, columns=columns), QUICK)
    return (table["verdict"] == DIFFERS).any()


def claim(name, claims, runs):
    """Prints how often a claim is made that is true, and that is not; whether that is bad."""
    shares = []
    for more_s, n in ((0.02, -(-runs // 10)), (0.0, runs)):
        rng = np.random.default_rng(3)
        shares.append(np.mean([claims(rng, more_s) for _ in range(n)]))
    most = binom.ppf(0.999, runs, 0.05) / runs
    print(f"{name}: claimed {shares[0]:.0%} where true, {shares[1]:.1%} (at most {most:.1%}) "
          "where not", flush=True)  # fmt: skip
    return shares[0] < 0.8 or shares[1] > most


def tell(name, found_s, least_found=0.9, within_s=0.005):
    """Prints how far values are off; whether too few are found, or too far off."""
    there = np.isfinite(found_s)
    off_ms = 1000 * np.abs(found_s[there])
    ends = np.median(off_ms), np.percentile(off_ms, 95)
    print(
        f"{name}: found {there.sum()} of {len(there)}; error median {ends[0]:.1f} ms, 95 % "
        f"{ends[1]:.1f} ms; beyond 5 ms {np.mean(off_ms > 1000 * within_s):.1%}",
        flush=True,
    )
    most = binom.ppf(0.99, len(off_ms), 0.05)  # 18 of 200, and 3 of 10
    return there.mean() < least_found or np.sum(off_ms > 1000 * within_s) > most


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    given, failed = parser.parse_args(), 0
    n = 10 * given.seeds
    for noise_db, rate_hz in ((None, 16000), (-40, 16000), (-30, 16000), (-40, 8000), (-40, 44100)):
        floor = "no noise" if noise_db is None else f"noise {noise_db} dB re the vowel"
        found = errors(n, 0, noise_db, rate_hz)
        failed += tell(f"made stops, {rate_hz} Hz, {floor}", found)
    rng = np.random.default_rng(1)
    pairs = [voiced_stop(rng) for _ in range(n // 2)]
    found = [(stops_of(sound), truth) for sound, truth in pairs]
    off = np.array([np.nan if x is None else x["vot"] - truth for x, truth in found])
    failed += tell("voiced closures", off, 0.7)
    made = [double_burst(rng) for _ in range(n // 2)]
    found = [(stops_of(sound), lag_s, vot_s) for sound, lag_s, vot_s in made]
    found = [x for x in found if x[0] is not None]
    failed += tell("double bursts, vot", np.array([x["vot"] - vot_s for x, _, vot_s in found]))
    two = np.mean([x["n_bursts"] == 2 for x, *_ in found])
    lags = [x["burst_lag"] - lag_s for x, lag_s, _ in found if x["n_bursts"] == 2]
    failed += tell(f"double bursts, lag ({two:.0%} counted as two)", np.array(lags)) or two < 0.7
    for name, difference_s, fewest, most in (("differ", 0.02, 0.95, 1), ("equal", 0.0, 0, 0.05)):
        rows = pd.DataFrame([compared(seed, difference_s) for seed in range(given.seeds)])
        claims = (rows["verdict"] == DIFFERS).mean()
        inside = ((rows["low"] <= difference_s) & (rows["high"] >= difference_s)).mean()
        print(
            f"groups that {'are ' * (not difference_s)}{name}: claimed {claims:.0%}, mean "
            f"{1000 * rows['estimate'].mean():.1f} ms of {1000 * difference_s:g}, inside the "
            f"interval {inside:.0%}; n {rows['n'].mean():.0f}, {rows['n_with_s'].mean():.0f}",
            flush=True,
        )
        failed += not fewest <= claims <= most
    for name, claims in (
        ("outputs less recordings", sources),
        ("any of ten measures beside recordings", distributions),
    ):
        failed += claim(name, claims, 50 * given.seeds)
    sys.exit(int(failed > 0))


if __name__ == "__main__":
    main()
