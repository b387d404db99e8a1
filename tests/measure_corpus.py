"""Measures a corpus that make_corpus wrote, and compares with what its manifest intended.

  python -m wavegan_tf make_corpus --corpus=stv --n=200 --out_dir=corpora/stv
  python tests/measure_corpus.py --corpus_dir=corpora/stv

Everything is found in the WAV again: closure, burst and [s] by energy, voice by the size of its
periods, F0, formants and centre of gravity by Praat. Of the manifest only what to look for and the
speaker's sex (Praat's ranges) are used, never a time. Prints of each measure: clips, means intended
and measured, bias, median and 95th percentile of |error| and Pearson's r; durations in ms.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import parselmouth
from parselmouth.praat import call
from scipy import ndimage, signal
from scipy.io import wavfile

QUIET_DB = 12  # sound is what exceeds the quietest 5 ms of the clip by this
SILENCE_S = 0.005  # the shortest silence that counts
VOICE_HZ = 3000  # voice is looked for below, where there is little of bursts and [s]
PERIOD_SHARE = 0.5  # a period of voice reaches this share of the vowel's median peak
F0_RANGE_HZ = {"M": (75, 300), "F": (100, 400), "reduplication": (150, 450)}
CEILING_HZ = {"M": 5000, "F": 5500, "reduplication": 5500}


def measure_stv(sound, rate_hz, row):
    """What is found in a token; its row says whether [s] is there, and the sex."""
    sex = row["sex"]
    loudest = np.argmax(level_db(low_passed(sound, rate_hz), rate_hz, 0.02))
    quiet = silences(sound, rate_hz)
    start, burst = max((x for x in quiet if x[1] < loudest), key=lambda x: x[1] - x[0])
    end = next((a for a, _ in quiet if a > loudest), len(sound))
    closed, cycle = voice_onset(sound, rate_hz, burst, end, sex)
    found = formants_hz(sound, rate_hz, (cycle + end) / 2, sex) | {
        "f0_mean_hz": np.mean(f0_track(sound, rate_hz, (closed, end), sex)[1]),
        "closure_s": (burst - start) / rate_hz,
        "vot_s": (cycle - burst) / rate_hz,
        "vowel_s": (end - cycle) / rate_hz,
        "vowel_level_db": 10 * np.log10(np.mean(sound[cycle:end] ** 2)),
    }
    if row["pattern"] == "#sTV":
        first = next((b for a, b in quiet if a == 0), 0)
        found["s_s"] = (start - first) / rate_hz
        found["s_cog_hz"] = cog_hz(sound, rate_hz, (first, start))
    return found


def measure_reduplication(sound, rate_hz, row):
    """What is found in an item; its row says which consonant it begins with.

    The middle of the stressed vowel is where F0 is highest.
    """
    who, initial = "reduplication", row["initial"]
    times, f0_hz = f0_track(sound, rate_hz, (0, len(sound)), who)
    middle = round(knot(times, np.log(f0_hz)))
    near = np.argmin(np.abs(times - middle))
    found = formants_hz(sound, rate_hz, middle, who) | {"f0_stress_hz": f0_hz[near]}
    if initial == "s":
        hiss_db = level_db(sound - low_passed(sound, rate_hz), rate_hz, 0.004)
        begun = round(0.03 * rate_hz)
        hiss_end = begun + np.argmax(hiss_db[begun:] < hiss_db[begun] - 20)
        found |= {"s_s": hiss_end / rate_hz, "s_cog_hz": cog_hz(sound, rate_hz, (0, hiss_end))}
    elif initial in "ptk":
        bursts = [b for _, b in silences(sound, rate_hz) if b < middle]
        start = voice_onset(sound, rate_hz, bursts[-1], middle, who)[1]
        found["vot_s"] = (start - bursts[-1]) / rate_hz
        found["voiced_stretches"] = voiced_stretches(times, rate_hz)
        if len(bursts) == 2:
            copied = voice_onset(sound, rate_hz, bursts[0], bursts[1], who)[1]
            found["reduplicant_vot_s"] = (copied - bursts[0]) / rate_hz
    return found


def level_db(sound, rate_hz, window_s):
    """RMS in a moving window, dB re full scale: [time]."""
    power = ndimage.uniform_filter1d(sound**2, round(window_s * rate_hz), mode="nearest")
    return 10 * np.log10(np.maximum(power, 0) + 1e-12)


def low_passed(sound, rate_hz):
    return signal.sosfiltfilt(signal.butter(4, VOICE_HZ, fs=rate_hz, output="sos"), sound)


def silences(sound, rate_hz):
    """(start, end) of each stretch without sound, samples."""
    floor_db = level_db(sound, rate_hz, 0.005).min()
    quiet = level_db(sound, rate_hz, 0.001) < floor_db + QUIET_DB
    edges = np.flatnonzero(np.diff(np.r_[0, quiet, 0])).reshape(-1, 2)
    return [(a, b) for a, b in edges if b - a >= SILENCE_S * rate_hz]


def knot(times, values):
    """Where two straight lines that fit values best meet."""
    candidates = np.arange(times[0] + 1, times[-1], 16)
    errors = []
    for at in candidates:
        lines = np.stack([np.ones_like(times), times - at, np.maximum(times - at, 0)], axis=1)
        fit = lines @ np.linalg.lstsq(lines, values, rcond=None)[0]
        errors.append(np.abs(fit - values).sum())
    return candidates[np.argmin(errors)]


def voice_onset(sound, rate_hz, start, end, who):
    """Where the glottis first closes after ``start``, and where that cycle began, in samples.

    The first of the periods in a row, each of a peak above ``PERIOD_SHARE`` of their median; the
    cycle is as long as Praat's first F0.
    """
    period = round(rate_hz / f0_track(sound, rate_hz, (start, end), who)[1][0])
    voice = np.abs(low_passed(sound, rate_hz)[start:end])
    peaks = np.lib.stride_tricks.sliding_window_view(voice, period).max(axis=1)
    large = peaks > PERIOD_SHARE * np.median(peaks[peaks > peaks.max() / 2])
    runs = np.flatnonzero(np.diff(np.r_[0, large, 0])).reshape(-1, 2)
    closed = start + max(runs, key=lambda run: run[1] - run[0])[0] + period - 1
    return closed, closed - period


def f0_track(sound, rate_hz, span, who):
    """Praat's F0 where there is one: times in samples, and Hz; silence is added at both ends."""
    added, (floor_hz, ceiling_hz) = round(0.1 * rate_hz), F0_RANGE_HZ[who]
    pitch = parselmouth.Sound(np.pad(sound, added), rate_hz).to_pitch_ac(
        time_step=0.001, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz
    )
    times, f0_hz = pitch.xs() * rate_hz - added, pitch.selected_array["frequency"]
    kept = (f0_hz > 0) & (times > span[0]) & (times < span[1])
    kept &= np.abs(np.log(f0_hz.clip(1) / np.median(f0_hz[kept]))) < 0.4  # no octave
    return times[kept], f0_hz[kept]


def formants_hz(sound, rate_hz, at, who):
    """F1 to F3 at a sample, Burg."""
    tracks = parselmouth.Sound(sound, rate_hz).to_formant_burg(maximum_formant=CEILING_HZ[who])
    return {f"f{k}_hz": tracks.get_value_at_time(k, at / rate_hz) for k in (1, 2, 3)}


def cog_hz(sound, rate_hz, span):
    """Praat's centre of gravity of a span in samples."""
    part = parselmouth.Sound(sound, rate_hz).extract_part(*(x / rate_hz for x in span))
    part.subtract_mean()
    call(part, "Multiply by window...", "Hanning")
    return part.to_spectrum().get_centre_of_gravity(2)


def voiced_stretches(times, rate_hz):
    """How many stretches of at least 20 ms frames of F0 make, 1 ms apart."""
    edges = np.flatnonzero(np.diff(times) > 0.0015 * rate_hz)
    return int(np.sum(np.diff(np.r_[-1, edges, len(times) - 1]) >= 20))


def measure_corpus(directory, n=None):
    """A row for each clip and measure: measure, intended (of the manifest), measured."""
    manifest = pd.read_csv(Path(directory) / "manifest.csv", nrows=n)
    measure = measure_stv if "pattern" in manifest else measure_reduplication
    found = []
    for row in manifest.to_dict("records"):
        rate_hz, samples = wavfile.read(Path(directory) / row["file"])
        wanted = row | {"voiced_stretches": 1 + row.get("reduplicated", 0)}
        for name, value in measure(samples / 32768, rate_hz, row).items():
            found.append((name, wanted[name], value))
    return pd.DataFrame(found, columns=["measure", "intended", "measured"]).dropna()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus_dir", required=True)
    parser.add_argument("--n", type=int, help="the first n clips; all if not given")
    args = parser.parse_args()
    pairs = measure_corpus(args.corpus_dir, args.n)
    pairs["error"] = pairs["measured"] - pairs["intended"]
    for name, group in pairs.groupby("measure"):
        scale = 1000 if name.endswith("_s") else 1
        size = group["error"].abs()
        values = [*group[["intended", "measured", "error"]].mean(), *size.quantile([0.5, 0.95])]
        r = group["intended"].corr(group["measured"])
        print(f"{name:18} {len(group):6}", *(f"{scale * x:9.2f}" for x in values), f"{r:7.3f}")


if __name__ == "__main__":
    main()
