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
from wavegan_tf.speech.settings import PraatSettings  # noqa: E402

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
    names = ("centre of gravity", "standard deviation", "skewness", "kurtosis")
    values = [call(spectrum, f"Get {name}...", 2) for name in names]
    return dict(zip(("cog", "spectral_sd", "skewness", "kurtosis"), values, strict=True))


class Praat:
    """Values of one sound by menu commands, for settings of the package."""

    def __init__(self, sound, settings):
        self.sound, self.settings, s = sound, settings, settings
        self.nyquist_hz = sound.sampling_frequency / 2
        centred = call(sound, "Copy...", "centred")
        call(centred, "Subtract mean")
        pitch = (s.pitch_time_step_s, s.f0_floor_hz, 15, "no", s.silence_threshold)
        pitch += (s.voicing_threshold, 0.01, 0.35, 0.14, s.f0_ceiling_hz)
        self.pitch = call(sound, "To Pitch (ac)...", *pitch)
        self.intensity = call(sound, "To Intensity...", s.intensity_min_pitch_hz, 0, "yes")
        hnr = (s.hnr_time_step_s, s.hnr_min_pitch_hz, s.hnr_silence_threshold, s.hnr_periods)
        self.harmonicity = call(sound, "To Harmonicity (cc)...", *hnr)
        ceiling_hz = min(s.formant_ceiling_hz, self.nyquist_hz)
        number = round(2 * s.n_formants * ceiling_hz / s.formant_ceiling_hz) / 2
        burg = (0, number, ceiling_hz, s.formant_window_s, s.pre_emphasis_from_hz)
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
        half_s = self.settings.spectrum_window_s / 2
        return moments_of(self.sound, time_s - half_s, time_s + half_s, hanning=True)[measure]

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
        part = call(self.sound, "Extract part...", *span_s, "rectangular", 1, "no")
        call(part, "Subtract mean")
        if measure == "zcr":
            zeroes = call(part, "To PointProcess (zeroes)...", 1, "yes", "yes")
            return call(zeroes, "Get number of points") / (end_s - start_s)
        if measure == "cpps":
            s = self.settings
            given = (s.cpps_min_pitch_hz, s.cpps_time_step_s)
            ceiling_hz = min(s.cpps_ceiling_hz, self.nyquist_hz)
            cepstrogram = call(part, "To PowerCepstrogram...", *given, ceiling_hz, 50)
            trend = (0.001, 0, "Straight", "Robust")
            peak = (s.cpps_min_pitch_hz, s.cpps_max_pitch_hz, 0.05, "Parabolic")
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
        differs = math.inf if any(missing) else abs(row.value - truth) / max(abs(truth), 1e-3)
        worst, n = largest.get((row.measure, kind), (0.0, 0))
        largest[row.measure, kind] = max(worst, 0.0 if all(missing) else differs), n + 1
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
        intervals = longest_stretches(sound)
        table = measure(sound.values[0], sound.sampling_frequency, intervals)
        praat = Praat(sound, PraatSettings())
        for key, (worst, n) in differences(table, intervals, praat).items():
            before, count = total.get(key, (0.0, 0))
            total[key] = (max(before, worst), count + n)
        print(path.name, *(f"{x.label} {x.start_s:.3f}-{x.end_s:.3f}" for x in intervals))
    print(f"{len(paths)} files; largest relative differences")
    for (name, kind), (worst, n) in sorted(total.items()):
        print(f"{name:12s} {kind:6s} {worst:.1e}  of {n}")


if __name__ == "__main__":
    main()
