"""Measures of a sound, by interval: at points of normalised time and over the interval.

A layer's averaged series, clipped and upsampled to the rate of the output
(:func:`wavegan_tf.speech.averages.to_sound`), is measured like a recording (Beguš & Zhou 2022,
section IV) in every interval of the final output. A value that Praat or the bandwidth of the layer
cannot give is NaN with the reason; one that is suspect is kept and flagged.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.speech import praat
from wavegan_tf.speech import settings as known
from wavegan_tf.speech.intervals import LABELS, Interval, find_intervals, one_channel
from wavegan_tf.speech.settings import IntervalSettings, LayerLimits, PraatSettings, layer_limits

MEASURES = tuple(known.UNITS)

FULL_SCALE = 0.9999
CLIPPED_RUN = 3
"""So many consecutive samples of at least :data:`FULL_SCALE` are clipped: 16-bit files end at
0.99997, and a peak that just touches full scale rarely holds it for three samples."""

SILENCE_DB = -100.0
"""Below this a frame is digital silence, for which Praat writes -300 dB or the rounding of its own
arithmetic; a constant stretch is silent too, since the mean of each window is subtracted."""

NOTHING_VARIES = "silent: nothing varies within the window"
AT_THE_EDGE = "no analysis frame so near the edge of the sound"
NO_HARMONICITY = "no harmonicity: no period, or quieter than hnr_silence_threshold of the peak"
NO_FRAMES = "no analysis frame in the interval"

NAMES = ("label", "interval", "point", "time_s", "measure", "value", "reason", "flag")
ROW = np.dtype(list(zip(NAMES, "i1 i2 i2 f8 i1 f8 i2 i2".split(), strict=True)))
"""A value: codes of label and measure are places in LABELS and MEASURES, those of reason and flag
places in the vocabularies that come with the rows. Point 0 is the value of the whole interval."""


def measure(
    sound: np.ndarray,
    rate_hz: float,
    intervals: Sequence[Interval] | None = None,
    settings: PraatSettings = known.PRAAT,
    *,
    layer_rate_hz: float | None = None,
    own_intervals: Sequence[Interval] | None = None,
    measures: Collection[str] | None = None,
    interval_settings: IntervalSettings = known.INTERVALS,
) -> pd.DataFrame:
    """Measures a recording, an output, or a layer in the intervals of the output.

    The Praat commands with all their arguments stand in :mod:`wavegan_tf.speech.praat`, which label
    has which measures in :mod:`wavegan_tf.speech.settings`. Point k of N stands at start + (k -
    0.5) / N * duration; its value is that of the analysis at this time. Point 0 is Praat's own mean
    over the interval, except where it says otherwise:

    - f0 (Hz): "To Pitch (ac)"; linear between voiced frames; "Get mean".
    - intensity (dB re 2e-5): "To Intensity"; cubic; "Get mean" of the energy.
    - f1 .. f3 (Hz): "To Formant (burg)"; linear; "Get mean". b1 .. b3 (Hz): "Get bandwidth at
      time"; the mean is that of the points.
    - hnr (dB): "To Harmonicity (cc)"; linear; "Get mean", over frames that are not silent.
    - cog, spectral_sd (Hz), skewness, kurtosis (1): of the power spectrum of a Hanning window
      around the point; for point 0 that of the interval as a whole, without a window.
    - Of an interval alone (point 0): duration (s), of the layer's own interval of the same label
      that overlaps most; voiced_share (1), of the pitch frames in it, those with an F0; zcr (1/s),
      changes of sign over its duration; cpps (dB), "Get CPPS" of its "To PowerCepstrogram".

    Args:
        sound: ``[time]``, in -1 .. 1; a layer's series goes through ``to_sound`` first.
        rate_hz: Its sampling rate.
        intervals: Those of the output, in which a layer is measured; None finds the sound's own.
        settings: What Praat is asked for.
        layer_rate_hz: The layer's own rate, which limits what it carries; None for an output.
        own_intervals: The layer's own intervals, for its durations; None for an output.
        measures: The only ones wanted, with the values they have among all; None for all.
        interval_settings: How intervals are found.

    Returns:
        One row for each value, by interval, measure and point; columns label (voiced, frication,
        silence), interval (from 1), point (from 1; 0: the whole interval), time_s (of the point, or
        of the middle of the interval), measure, unit, value (NaN where there is none), reason (why
        it is NaN) and flag (why it is suspect, joined with "; ": ``outside LOW .. HIGH UNIT``,
        ``clipped`` somewhere in the interval, ``octave jump`` against the point before). No rows
        without intervals, as of a sound with NaN.

    Raises:
        InputError: The sound is too short to find intervals in.
        ValueError: ``sound`` is not ``[time]``, or a label is none of those that are measured.
    """
    if intervals is None:
        intervals = find_intervals(sound, rate_hz, interval_settings, layer_rate_hz)
    given = (layer_rate_hz or rate_hz, intervals, settings, own_intervals, measures)
    rows, reasons, flags = measure_rows(sound, rate_hz, *given)
    texts = {"label": LABELS, "measure": MEASURES, "reason": reasons, "flag": flags}
    return make_table({name: rows[name] for name in NAMES}, texts)


def make_table(columns: Mapping[str, Any], texts: Mapping[str, Any]) -> pd.DataFrame:
    """Makes a table of columns, codes of ``texts`` as categories; ``unit`` follows ``measure``."""
    units: Any = list(dict.fromkeys(known.UNITS.values()))
    unit_of = np.array([units.index(unit) for unit in known.UNITS.values()], np.int8)
    made = {}
    for name, column in columns.items():
        is_text = name in texts
        made[name] = pd.Categorical.from_codes(column, texts[name]) if is_text else column
        if name == "measure":
            made["unit"] = pd.Categorical.from_codes(unit_of[column], units)
    return pd.DataFrame(made, copy=False)


def measure_rows(
    sound: np.ndarray,
    rate_hz: float,
    layer_rate_hz: float,
    intervals: Sequence[Interval],
    settings: PraatSettings,
    own_intervals: Sequence[Interval] | None = None,
    measures: Collection[str] | None = None,
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Measures as :func:`measure`, compactly: :data:`ROW` s, vocabularies of reasons and flags."""
    sound = one_channel(sound)
    unknown = {interval.label for interval in intervals} - set(LABELS)
    if unknown:
        raise ValueError(f"labels {sorted(unknown)}: only {list(LABELS)} are measured")
    limits = layer_limits(layer_rate_hz, settings)
    wanted = set(MEASURES if measures is None else measures)
    together = {name: group for group in known.MADE_TOGETHER for name in group}
    needless = [name for name in MEASURES if wanted.isdisjoint(together.get(name, (name,)))]
    refused = _refused(sound, rate_hz, limits, settings) | dict.fromkeys(needless, "")
    spans_s = np.array([interval[1:] for interval in intervals], np.float64).reshape(-1, 2)
    share = (np.arange(settings.n_points) + 0.5) / settings.n_points
    times_s = spans_s[:, :1] + share * np.diff(spans_s)  # [intervals, points]
    layer = _Layer(sound, rate_hz, settings, limits, refused, list(intervals), times_s)
    results = _durations(layer, own_intervals)
    for analysis in (_f0, _intensity, _formants, _hnr, _moments, _zcr, _cpps):
        results |= analysis(layer)
    blocks, reasons, flags = [np.empty(0, ROW)], {"": 0}, {"": 0}
    for i, (label, start_s, end_s) in enumerate(intervals):
        clipped = "clipped" if clipped_share(layer.between(start_s, end_s)) else ""
        for name in known.POINT_MEASURES[label] + known.INTERVAL_MEASURES[label]:
            if name not in wanted:
                continue
            n = settings.n_points if name in known.POINT_MEASURES[label] else 0
            nothing = _Values(np.full(n, math.nan), [refused.get(name, "")] * n)
            found = results.get((i, name)) or nothing._replace(reason=refused[name])
            values = [*found.values, found.mean]
            jumps = np.zeros(n + 1, bool)
            if name == "f0":
                before, after = found.values[:-1], found.values[1:]
                ratio = settings.octave_jump
                jumps[1:n] = (after > ratio * before) | (before > ratio * after)
            cut = "" if name == "duration" else clipped
            why = [*found.reasons, found.reason]
            suspect = [
                _flag(name, value, cut, "octave jump" if jump else "")
                for value, jump in zip(values, jumps, strict=True)
            ]
            block = np.zeros(n + 1, ROW)
            block["label"], block["interval"] = LABELS.index(label), i + 1
            block["point"] = [*range(1, n + 1), 0]
            block["time_s"] = [*times_s[i, :n], (start_s + end_s) / 2]
            block["measure"], block["value"] = MEASURES.index(name), values
            block["reason"] = [reasons.setdefault(text, len(reasons)) for text in why]
            block["flag"] = [flags.setdefault(text, len(flags)) for text in suspect]
            blocks.append(block)
    return np.concatenate(blocks), tuple(reasons), tuple(flags)


def f0_range_of(sound: np.ndarray, rate_hz: float, settings: PraatSettings) -> tuple[float, float]:
    """Finds the F0 range of one output in a first pass over the settings' range.

    Floor 0.75 times the first quartile, ceiling 1.5 times the third of the frames that are voiced
    (De Looze & Hirst 2008, Detecting changes in key and range for the automatic modelling and
    coding of intonation, Speech Prosody), neither outside the settings' range. Quartiles as Praat's
    "Get quantile".

    Returns:
        Floor and ceiling in Hz; the settings' where nothing is voiced, or can be analysed.
    """
    sound = one_channel(sound)
    limits = layer_limits(rate_hz, settings)
    fixed_hz = (settings.f0_floor_hz, settings.f0_ceiling_hz)
    if "f0" in _refused(sound, rate_hz, limits, settings):
        return fixed_hz
    f0_hz = praat.track_f0(sound, rate_hz, _pitch_options(settings, limits)).frames
    voiced_hz = f0_hz[f0_hz > 0]
    if not voiced_hz.size:
        return fixed_hz
    first_hz, third_hz = np.percentile(voiced_hz, [25, 75], method="hazen")
    return max(fixed_hz[0], 0.75 * float(first_hz)), min(fixed_hz[1], 1.5 * float(third_hz))


def clipped_share(sound: np.ndarray) -> float:
    """Returns the share of samples of ``[time]`` in a clipped run (:data:`CLIPPED_RUN`)."""
    full = np.abs(sound) >= FULL_SCALE
    if len(full) < CLIPPED_RUN or not full.any():
        return 0.0
    runs = np.convolve(full, np.ones(CLIPPED_RUN), "valid") >= CLIPPED_RUN
    return float(np.mean(np.convolve(runs, np.ones(CLIPPED_RUN)) > 0))


def _flag(name: str, value: float, *others: str) -> str:
    """Says why a value is suspect."""
    if math.isnan(value):
        return ""
    low, high = known.PLAUSIBLE.get(name, (-math.inf, math.inf))
    outside = "" if low <= value <= high else f"outside {low:g} .. {high:g} {known.UNITS[name]}"
    return "; ".join(filter(None, (outside, *others)))


class _Values(NamedTuple):
    """A measure in one interval: at points and over the whole, with reasons where NaN."""

    values: np.ndarray  # [points]
    reasons: Sequence[str]
    mean: float = math.nan
    reason: str = ""


_Results = dict[tuple[int, str], _Values]  # by interval, from 0, and measure


class _Layer(NamedTuple):
    """What the analyses of a layer share; ``refused`` maps measures to why they are not made."""

    sound: np.ndarray
    rate_hz: float
    settings: PraatSettings
    limits: LayerLimits
    refused: dict[str, str]
    intervals: list[Interval]
    times_s: np.ndarray  # [intervals, points]

    def chosen(self, measure: str, *labels: str) -> list[int]:
        """Numbers the intervals of these labels, from 0; none where the measure is refused."""
        if measure in self.refused:
            return []
        return [i for i, interval in enumerate(self.intervals) if interval.label in labels]

    def places(self, chosen: list[int]) -> tuple[np.ndarray, list[tuple[float, float]]]:
        """Returns the times of all points [points] and start and end of the intervals."""
        spans_s = [(self.intervals[i].start_s, self.intervals[i].end_s) for i in chosen]
        return self.times_s[chosen].ravel(), spans_s

    def between(self, start_s: float, end_s: float) -> np.ndarray:
        """Returns the samples between two times; sample i stands at (i + 0.5) / rate."""
        first = max(0, math.ceil(start_s * self.rate_hz - 0.5))
        return self.sound[first : max(0, math.floor(end_s * self.rate_hz - 0.5) + 1)]

    def is_constant(self, start_s: float, end_s: float) -> bool:
        """Says whether the sound does not change between two times."""
        samples = self.between(start_s, end_s)
        return samples.size > 1 and np.ptp(samples) == 0


def _refused(
    sound: np.ndarray, rate_hz: float, limits: LayerLimits, settings: PraatSettings
) -> dict[str, str]:
    """Maps each measure that cannot be made anywhere in the sound to the reason."""
    n_bad = int(np.count_nonzero(~np.isfinite(sound)))
    if n_bad or np.ptp(sound) == 0:
        reason = "silent: the series is constant"
        if n_bad:
            reason = f"{n_bad} of {len(sound)} samples are NaN or infinite"
        return dict.fromkeys((name for name in known.UNITS if name != "duration"), reason)
    needed_s = dict.fromkeys((*known.FORMANTS, *known.BANDWIDTHS), 2 * settings.formant_window_s)
    needed_s["f0"] = needed_s["voiced_share"] = known.PITCH_PERIODS / settings.f0_floor_hz
    needed_s["hnr"] = (1 + settings.hnr_periods) / settings.hnr_min_pitch_hz
    needed_s["intensity"] = known.INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    refused, duration_s = dict(limits.forbidden), len(sound) / rate_hz
    for name, seconds in needed_s.items():
        if duration_s <= seconds * (1 + 1e-9):  # at equality rounding decides in Praat
            reason = f"the series lasts {duration_s:g} s, Praat needs more than {seconds:g} s"
            refused.setdefault(name, reason)
    return refused


def _over_interval(value: float, reason: str) -> _Values:
    """Makes the value of a measure that only an interval has."""
    return _Values(np.empty(0), [], float(value), reason if math.isnan(value) else "")


def _values_of(
    layer: _Layer,
    chosen: list[int],
    measure: str,
    track: praat.Track,
    otherwise: str,
    quiet: tuple[np.ndarray, np.ndarray] | None = None,
    why_quiet: str = "",
) -> _Results:
    """Takes the values of a track, with the reasons where there are none.

    ``quiet``: masks of points and of intervals that are to be NaN for the reason ``why_quiet``.
    """
    times_s, spans_s = layer.places(chosen)
    n_frames, first_s = len(track.frames_s), track.frames_s[0] - track.step_s / 2
    outside = (times_s < first_s) | (times_s > first_s + n_frames * track.step_s)
    spans = (np.array(spans_s) - track.frames_s[0]) / track.step_s  # in frames
    first, last = np.ceil(spans[:, 0]), np.floor(spans[:, 1])
    no_frames = np.maximum(first, 0) > np.minimum(last, n_frames - 1)
    still, still_spans = quiet or (np.zeros(len(times_s), bool), np.zeros(len(chosen), bool))
    values = np.where(still, math.nan, track.values)
    means = np.where(still_spans, math.nan, track.means)
    reasons = np.select([still, outside], [why_quiet, AT_THE_EDGE], otherwise)
    reasons = np.where(np.isnan(values), reasons, "")
    why = np.select([still_spans, no_frames], [why_quiet, NO_FRAMES], otherwise)
    why = np.where(np.isnan(means), why, "")
    columns = values.reshape(len(chosen), -1), reasons.reshape(len(chosen), -1), means, why
    return {(i, measure): _Values(*found) for i, *found in zip(chosen, *columns, strict=True)}


def _reads_any(track: praat.Track, times_s: np.ndarray, bad: np.ndarray, n: int) -> np.ndarray:
    """Says whether interpolating over n frames on either side of each time reads a bad one."""
    left = np.floor((times_s - track.frames_s[0]) / track.step_s).astype(int)
    reads = np.zeros(len(times_s), bool)
    for k in range(1 - n, n + 1):
        inside = (left + k >= 0) & (left + k < len(bad))
        reads[inside] |= bad[(left + k)[inside]]
    return reads


def _pitch_options(settings: PraatSettings, limits: LayerLimits) -> praat.PitchOptions:
    return praat.PitchOptions(
        settings.f0_floor_hz,
        limits.f0_ceiling_hz,
        settings.pitch_time_step_s,
        settings.silence_threshold,
        settings.voicing_threshold,
    )


def _f0(layer: _Layer) -> _Results:
    """Measures F0 in voiced intervals; from the same frames the voiced share, in frication too."""
    chosen = layer.chosen("f0", "voiced", "frication")
    if not chosen:
        return {}
    options = _pitch_options(layer.settings, layer.limits)
    track = praat.track_f0(layer.sound, layer.rate_hz, options, *layer.places(chosen))
    results = _values_of(layer, chosen, "f0", track, "unvoiced")
    for i in chosen:
        _, start_s, end_s = layer.intervals[i]
        inside = (start_s <= track.frames_s) & (track.frames_s <= end_s)
        share = float(np.mean(track.frames[inside] > 0)) if inside.any() else math.nan
        results[i, "voiced_share"] = _over_interval(share, NO_FRAMES)
    return results


def _intensity(layer: _Layer) -> _Results:
    """Measures intensity in every interval."""
    chosen = layer.chosen("intensity", *LABELS)
    if not chosen:
        return {}
    where, min_pitch_hz = layer.places(chosen), layer.settings.intensity_min_pitch_hz
    track = praat.track_intensity(layer.sound, layer.rate_hz, min_pitch_hz, *where)
    # A cubic reads two frames on either side; digital silence in one of them is no level.
    silent = _reads_any(track, where[0], track.frames < SILENCE_DB, 2)
    quiet = (silent, track.means < SILENCE_DB)
    return _values_of(layer, chosen, "intensity", track, "undefined", quiet, NOTHING_VARIES)


def _formants(layer: _Layer) -> _Results:
    """Measures formants and bandwidths in voiced intervals."""
    chosen = layer.chosen("", "voiced")
    numbers = [int(name[1:]) for name in known.FORMANTS if name not in layer.refused]
    if not numbers or not chosen:
        return {}
    settings, where = layer.settings, layer.places(chosen)
    sound = layer.sound - layer.sound.mean() if settings.center else layer.sound
    reach_s, pre_emphasis_from_hz = settings.formant_window_s, settings.pre_emphasis_from_hz
    n_formants, ceiling_hz = layer.limits.n_formants, layer.limits.formant_ceiling_hz
    options = praat.FormantOptions(n_formants, ceiling_hz, reach_s, pre_emphasis_from_hz)
    tracks = praat.track_formants(sound, layer.rate_hz, options, numbers, *where)
    # Praat finds formants even where nothing varies.
    still = np.array([layer.is_constant(t - reach_s, t + reach_s) for t in where[0]])
    quiet = (still, np.array([layer.is_constant(*span_s) for span_s in where[1]]))
    results: _Results = {}
    for name, track in tracks.items():
        if name in known.BANDWIDTHS:
            values = np.where(still, math.nan, track.values).reshape(len(chosen), -1)
            finite = (row[np.isfinite(row)] for row in values)
            track.means[:] = [row.mean() if row.size else math.nan for row in finite]
        otherwise = f"no formant {name[1:]} found"
        results |= _values_of(layer, chosen, name, track, otherwise, quiet, NOTHING_VARIES)
    return results


def _hnr(layer: _Layer) -> _Results:
    """Measures harmonicity in voiced intervals."""
    chosen = layer.chosen("hnr", "voiced")
    if not chosen:
        return {}
    settings, where = layer.settings, layer.places(chosen)
    step_s, low_hz = settings.hnr_time_step_s, settings.hnr_min_pitch_hz
    threshold, periods = settings.hnr_silence_threshold, settings.hnr_periods
    options = praat.HnrOptions(step_s, low_hz, threshold, periods)
    track = praat.track_hnr(layer.sound, layer.rate_hz, options, *where)
    # A line reads one frame on either side; -200 dB in one of them is no harmonicity.
    silent = _reads_any(track, where[0], track.frames <= praat.SILENT_HNR_DB, 1)
    quiet = (silent, np.zeros(len(chosen), bool))
    return _values_of(layer, chosen, "hnr", track, NO_HARMONICITY, quiet, NO_HARMONICITY)


def _moments(layer: _Layer) -> _Results:
    """Measures spectral moments in frication."""
    half_s = layer.settings.spectrum_window_s / 2
    results = {}
    for i in layer.chosen(known.MOMENTS[0], "frication"):
        windows_s = [(t - half_s, t + half_s) for t in layer.times_s[i]]
        values, reasons = _moments_of(layer, windows_s, hanning=True, edge=AT_THE_EDGE)
        start_s, end_s = max(0, layer.intervals[i].start_s), layer.intervals[i].end_s
        whole_s = [(start_s, min(end_s, len(layer.sound) / layer.rate_hz))]
        means, why = _moments_of(layer, whole_s, hanning=False, edge=NO_FRAMES)
        for k, name in enumerate(known.MOMENTS):
            results[i, name] = _Values(values[:, k], reasons, means[0, k], why[0])
    return results


def _moments_of(
    layer: _Layer, windows_s: list[tuple[float, float]], hanning: bool, edge: str
) -> tuple[np.ndarray, list[str]]:
    """Returns moments [windows, 4] and a reason per window, NaN where it cannot be used."""
    duration_s = len(layer.sound) / layer.rate_hz
    reasons = []
    for start_s, end_s in windows_s:
        inside = -1e-9 <= start_s and end_s <= duration_s + 1e-9
        if not inside or layer.between(start_s, end_s).size < 2:
            reasons.append(edge)
        else:
            reasons.append(NOTHING_VARIES if layer.is_constant(start_s, end_s) else "")
    usable = [k for k, reason in enumerate(reasons) if not reason]
    values = np.full((len(windows_s), len(known.MOMENTS)), math.nan)
    values[usable] = praat.moments(
        layer.sound,
        layer.rate_hz,
        [windows_s[k] for k in usable],
        hanning=hanning,
        subtract_mean=layer.settings.center,
        ceiling_hz=layer.limits.spectrum_ceiling_hz,
    )
    return values, reasons


def _zcr(layer: _Layer) -> _Results:
    """Measures zero crossings per second in voiced intervals and frication."""
    results = {}
    for i in layer.chosen("zcr", "voiced", "frication"):
        _, start_s, end_s = layer.intervals[i]
        samples = layer.between(start_s, end_s)
        rate, reason = math.nan, NO_FRAMES if samples.size < 2 else NOTHING_VARIES
        if samples.size > 1 and np.ptp(samples) > 0:
            above = samples >= (samples.mean() if layer.settings.center else 0)
            rate = np.count_nonzero(np.diff(above)) / (end_s - start_s)
        results[i, "zcr"] = _over_interval(rate, reason)
    return results


def _cpps(layer: _Layer) -> _Results:
    """Measures CPPS in voiced intervals that hold the window of the cepstrogram."""
    settings, ceiling_hz, results = layer.settings, layer.limits.cpps_ceiling_hz, {}
    low_hz, high_hz = settings.cpps_min_pitch_hz, settings.cpps_max_pitch_hz
    options = praat.CppsOptions(low_hz, high_hz, settings.cpps_time_step_s, ceiling_hz)
    window_s = known.CPPS_PERIODS / low_hz
    for i in layer.chosen("cpps", "voiced"):
        span_s = layer.intervals[i].start_s, layer.intervals[i].end_s
        held_s = layer.between(*span_s).size / layer.rate_hz
        value, reason = math.nan, NOTHING_VARIES
        if held_s < window_s:
            reason = f"the interval holds {held_s:.3g} s of the sound, the cepstrogram's window "
            reason += f"lasts {window_s:g} s"
        elif not layer.is_constant(*span_s):
            value = praat.cpps(layer.sound, layer.rate_hz, options, span_s, settings.center)
        results[i, "cpps"] = _over_interval(value, reason)
    return results


def _durations(layer: _Layer, own_intervals: Sequence[Interval] | None) -> _Results:
    """Measures the duration of the interval, or of the layer's own that overlaps most with it."""
    results = {}
    for i, (label, start_s, end_s) in enumerate(layer.intervals):
        value, reason = end_s - start_s, ""
        if own_intervals is not None:
            overlaps = [
                (min(own.end_s, end_s) - max(own.start_s, start_s), own.end_s - own.start_s)
                for own in own_intervals
                if own.label == label
            ]
            shared_s, own_s = max(overlaps, default=(0.0, 0.0), key=lambda pair: pair[0])
            value = own_s if shared_s > 0 else math.nan
            needed = {"voiced": "f0", "frication": known.MOMENTS[0]}.get(label, "")
            forbidden = layer.limits.forbidden.get(needed)
            reason = f"no {label} interval of the layer's own overlaps with it"
            reason += f" ({forbidden})" if forbidden else ""
        results[i, "duration"] = _over_interval(value, reason)
    return results
