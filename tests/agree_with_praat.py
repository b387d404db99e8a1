"""Measures recordings, asks Praat directly for the same, and prints the largest differences.

  python tests/agree_with_praat.py --wav_dir=recordings --n=20

Praat reads each file itself, and every value comes from a menu command with its arguments written
out; nothing of the package is used but for the values that are compared. The longest voiced
stretch of a recording is measured as voiced, the longest other one as frication.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import parselmouth
from parselmouth.praat import call

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.speech.intervals import Interval  # noqa: E402
from wavegan_tf.speech.measure import measure  # noqa: E402

MIN_INTERVAL_S = 0.03


def longest_stretches(sound):
    """The longest stretches with and without an F0 as intervals: voiced, frication."""
    pitch = call(sound, "To Pitch (ac)...", 0.005, 60, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 300)
    times_s, voiced = pitch.xs(), pitch.selected_array["frequency"] > 0
    intervals = []
    for label, wanted in (("voiced", voiced), ("frication", ~voiced)):
        edges = np.flatnonzero(np.diff(np.r_[0, wanted.astype(int), 0])).reshape(-1, 2)
        if len(edges):
            first, stop = edges[np.argmax(np.diff(edges, axis=1))]
            if times_s[stop - 1] - times_s[first] >= MIN_INTERVAL_S:
                intervals.append(Interval(label, times_s[first], times_s[stop - 1]))
    return sorted(intervals, key=lambda interval: interval.start_s)


def moments_of(sound, start_s, end_s, hanning):
    """Spectral moments by menu commands."""
    part = call(sound, "Extract part...", start_s, end_s, "rectangular", 1, "no")
    call(part, "Subtract mean")
    if hanning:
        call(part, "Multiply by window...", "Hanning")
    spectrum = call(part, "To Spectrum...", "yes")
    return {
        "cog": call(spectrum, "Get centre of gravity...", 2),
        "spectral_sd": call(spectrum, "Get standard deviation...", 2),
        "skewness": call(spectrum, "Get skewness...", 2),
        "kurtosis": call(spectrum, "Get kurtosis...", 2),
    }


class Praat:
    """Values of one sound by menu commands, for the default settings.

    ``ceiling_hz`` and ``n_formants``: of the formants; ``cpps_ceiling_hz``: of the cepstrogram.
    """

    def __init__(self, sound, ceiling_hz, n_formants, cpps_ceiling_hz):
        self.sound, self.cpps_ceiling_hz = sound, cpps_ceiling_hz
        centred = call(sound, "Copy...", "centred")
        call(centred, "Subtract mean")
        pitch = (0.005, 60, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 300)
        self.pitch = call(sound, "To Pitch (ac)...", *pitch)
        self.intensity = call(sound, "To Intensity...", 100, 0, "yes")
        self.harmonicity = call(sound, "To Harmonicity (cc)...", 0.01, 75, 0.1, 1)
        burg = (0, n_formants, ceiling_hz, 0.025, 50)
        self.formants = call(centred, "To Formant (burg)...", *burg)

    def at(self, measure, time_s):
        """A value at a point."""
        if measure == "f0":
            return call(self.pitch, "Get value at time...", time_s, "Hertz", "Linear")
        if measure == "intensity":
            return call(self.intensity, "Get value at time...", time_s, "Cubic")
        if measure == "hnr":
            return call(self.harmonicity, "Get value at time...", time_s, "Linear")
        if measure[0] in "fb":
            what = "Get value at time..." if measure[0] == "f" else "Get bandwidth at time..."
            return call(self.formants, what, int(measure[1]), time_s, "Hertz", "Linear")
        return moments_of(self.sound, time_s - 0.01, time_s + 0.01, hanning=True)[measure]

    def over(self, measure, start_s, end_s):
        """A value over an interval; None for what is no command of Praat."""
        span_s = (start_s, end_s)
        if measure == "f0":
            return call(self.pitch, "Get mean...", *span_s, "Hertz")
        if measure == "intensity":
            return call(self.intensity, "Get mean...", *span_s, "energy")
        if measure == "hnr":
            return call(self.harmonicity, "Get mean...", *span_s)
        if measure in ("f1", "f2", "f3"):
            return call(self.formants, "Get mean...", int(measure[1]), *span_s, "Hertz")
        if measure in ("cog", "spectral_sd", "skewness", "kurtosis"):
            return moments_of(self.sound, *span_s, hanning=False)[measure]
        if measure == "zcr":
            part = call(self.sound, "Extract part...", *span_s, "rectangular", 1, "no")
            call(part, "Subtract mean")
            zeroes = call(part, "To PointProcess (zeroes)...", 1, "yes", "yes")
            return call(zeroes, "Get number of points") / (end_s - start_s)
        if measure == "cpps":
            part = call(self.sound, "Extract part...", *span_s, "rectangular", 1, "no")
            call(part, "Subtract mean")
            cepstrogram = call(part, "To PowerCepstrogram...", 60, 0.005, self.cpps_ceiling_hz, 50)
            trend = (0.001, 0, "Straight", "Robust")
            peak = (60, 330, 0.05, "Parabolic")
            return call(cepstrogram, "Get CPPS...", "no", 0.01, 0.001, *peak, *trend)
        return None


def differences(table, intervals, praat):
    """Largest relative difference per measure, and how many values were compared.

    Where a value is NaN Praat's must be, or the difference is infinite; but for what the package
    does not take as a value: digital silence, and harmonicity and CPPS where there is too little.
    """
    largest = {}
    for row in table.itertuples():
        kind = "point" if row.point else "mean"
        if row.point:
            truth = praat.at(row.measure, row.time_s)
        else:
            truth = praat.over(row.measure, *intervals[row.interval - 1][1:])
        if truth is None or row.reason.startswith(("silent", "no harmonicity", "the interval")):
            continue
        missing = math.isnan(row.value), math.isnan(truth)
        differs = 0.0 if all(missing) else abs(row.value - truth) / max(abs(truth), 1e-3)
        worst, n = largest.get((row.measure, kind), (0.0, 0))
        differs = math.inf if math.isnan(differs) else differs
        largest[row.measure, kind] = max(worst, differs), n + 1
    return largest


def main():
    """Compares and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wav_dir", required=True)
    parser.add_argument("--n", type=int, default=20)
    args = parser.parse_args()
    paths = sorted(Path(args.wav_dir).rglob("*.wav"))
    if not paths:
        sys.exit(f"--wav_dir={args.wav_dir}: no .wav file in it")
    paths = paths[:: max(1, len(paths) // args.n)][: args.n]
    total = {}
    for path in paths:
        sound = parselmouth.Sound(str(path))
        rate_hz, nyquist_hz = sound.sampling_frequency, sound.sampling_frequency / 2
        ceiling_hz = min(5500, nyquist_hz)
        praat = Praat(
            sound, ceiling_hz, round(2 * 5 * ceiling_hz / 5500) / 2, min(5000, nyquist_hz)
        )
        intervals = longest_stretches(sound)
        table = measure(sound.values[0], rate_hz, intervals)
        for key, (worst, n) in differences(table, intervals, praat).items():
            before, count = total.get(key, (0.0, 0))
            total[key] = (max(before, worst), count + n)
        print(path.name, *(f"{x.label} {x.start_s:.3f}-{x.end_s:.3f}" for x in intervals))
    print(f"{len(paths)} files; largest relative differences")
    for (name, kind), (worst, n) in sorted(total.items()):
        print(f"{name:12s} {kind:6s} {worst:.1e}  of {n}")


if __name__ == "__main__":
    main()
