"""Measures of a sound, by interval: at points of normalised time and over the interval.

A layer's averaged series (:func:`wavegan_tf.speech.averages.to_sound`) is measured like a recording
(Beguš & Zhou 2022, section IV) in every interval of the final output. A value that Praat or the
bandwidth of the layer cannot give is NaN with the reason; one that is suspect is kept and flagged.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.speech import praat
from wavegan_tf.speech import settings as known
from wavegan_tf.speech.intervals import LABELS, Interval, find_intervals, one_channel
from wavegan_tf.speech.settings import LayerLimits, PraatSettings, layer_limits
from wavegan_tf.speech.stops import find_stop

MEASURES = tuple(known.UNITS)

# So many consecutive samples of at least full scale are clipped: a peak that just touches it (in
# 16-bit files 0.99997) rarely holds it for three. What goes beyond, such as a layer that is not
# clipped, is clipped nowhere.
FULL_SCALE, OVER_SCALE, CLIPPED_RUN = 0.9999, 1 + 1e-6, 3
NEAR_STRIDE = 0.01  # F0 so near to a multiple of a layer's rate, as a share, may be its stride
F0_NEAR_S = 0.08  # from the start of a voiced interval, in which its F0 is that of the onset
SILENCE_DB = -100.0  # below is digital silence: Praat writes -300 or the rounding of its arithmetic
AT_STRIDE = "at a stride: a multiple or small fraction of a layer's rate"

NOTHING_VARIES = "flat: nothing varies within the window"
AT_THE_EDGE = "no analysis frame so near the edge of the sound"
NO_HARMONICITY = "no harmonicity: no period, or quieter than hnr_silence_threshold of the peak"
NO_FRAMES = "no analysis frame in the interval"

ROW = {
    "label": "i1", "interval": "i2", "point": "i2", "time_s": "f8", "start_s": "f8", "end_s": "f8",
    "measure": "i1", "value": "f8", "reason": "i2", "flag": "i2",
}  # fmt: skip
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
) -> pd.DataFrame:
    """Measures a recording, an output, or a layer in the intervals of the output.

    Point k of N stands at start + (k - 0.5) / N * duration. Point 0 is Praat's own mean over the
    interval, but of b1 .. b3 that of the points, and of cog, spectral_sd, skewness and kurtosis
    (at points: of a Hanning window) the value of the interval as a whole. Of an interval alone are
    duration, for a layer that of its own interval of the same label that overlaps most;
    voiced_share, of the pitch frames in it; zcr, changes of sign over its duration; cpps; and, if
    named, those of the stop before a voiced interval.

    Args:
        sound: ``[time]``, in -1 .. 1; a layer's series goes through ``to_sound`` first.
        rate_hz: Its sampling rate.
        intervals: Those of the output, in which a layer is measured; None finds the sound's own.
        settings: What Praat is asked for.
        layer_rate_hz: The layer's own rate, which limits what it carries; None for an output.
        own_intervals: The layer's own intervals, for its durations; None for an output.
        measures: The only ones wanted, with the values they have among all; None for all but those
            of stops.

    Returns:
        One row for each value, by interval, measure and point; columns label (voiced, frication,
        silence), interval (from 1), point (from 1; 0: the whole interval), time_s (of the point, or
        of the middle), measure, unit, value (NaN where there is none), reason (why it is NaN) and
        flag (why it is suspect: ``outside LOW .. HIGH UNIT``, ``clipped`` somewhere in the
        interval, ``octave jump`` against the point before). No rows without intervals.

    Raises:
        InputError: The sound is too short to find intervals in, not of finite floats, or its rate
            is 0.
        ValueError: ``sound`` is not ``[time]``, or a label is none of those that are measured.
    """
    sound = np.asarray(sound)
    if not np.issubdtype(sound.dtype, np.floating):
        raise InputError(f"sound of {sound.dtype}: give floats, full scale at 1 (int16 / 32768)")
    if intervals is None and not np.isfinite(sound).all():
        raise InputError("sound: has NaN or infinite samples, in which no intervals can be found")
    if not rate_hz > 0:
        raise InputError(f"rate_hz={rate_hz}: must be above 0")
    if intervals is None:
        intervals = find_intervals(sound, rate_hz, layer_rate_hz=layer_rate_hz)
    given = (layer_rate_hz or rate_hz, intervals, settings, own_intervals, measures)
    rows, reasons, flags = measure_rows(sound, rate_hz, *given)
    columns = {name: rows[name] for name in ROW if name not in ("start_s", "end_s")}
    return make_table(columns, reason=reasons, flag=flags)


def make_table(columns: Mapping[str, Any], **texts: Any) -> pd.DataFrame:
    """Makes a table of columns, codes of ``texts`` as categories; ``unit`` follows ``measure``."""
    texts = {"label": LABELS, "measure": MEASURES, **texts}
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
    strides_hz: Sequence[float] = (),
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Measures as :func:`measure`, compactly: :data:`ROW` s, vocabularies of reasons and flags."""
    sound = one_channel(sound)
    unknown = {interval.label for interval in intervals} - set(LABELS)
    if unknown:
        raise ValueError(f"labels {sorted(unknown)}: only {list(LABELS)} are measured")
    wanted = set(known.USUAL if measures is None else measures)
    if isinstance(measures, str) or wanted - set(MEASURES):
        raise InputError(f"measures={measures}: name them from {', '.join(MEASURES)}")
    layer = _Layer(sound, rate_hz, settings, layer_limits(layer_rate_hz, settings))
    refused = _refused(layer)
    spans_s = np.array([interval[1:] for interval in intervals], np.float64).reshape(-1, 2)
    share = (np.arange(settings.n_points) + 0.5) / settings.n_points
    times_s = spans_s[:, :1] + share * np.diff(spans_s)  # [intervals, points]
    of_label = {x: known.POINT_MEASURES[x] + known.INTERVAL_MEASURES[x] for x in LABELS}
    of_label["voiced"] += known.STOPS
    found = _durations(intervals, own_intervals, layer.limits)
    for analysis, names in _ANALYSES.items():
        made = wanted.intersection(names).difference(refused)
        chosen = [i for i, x in enumerate(intervals) if made.intersection(of_label[x.label])]
        if chosen:
            for name, columns in analysis(layer, spans_s[chosen], times_s[chosen]).items():
                found |= {(i, name): pair for i, *pair in zip(chosen, *columns, strict=True)}
    rows: list[tuple[Any, ...]] = []
    reasons, flags = {"": 0}, {"": 0}
    for i, (label, start_s, end_s) in enumerate(intervals):
        clipped = "clipped" if clipped_share(layer.between(start_s, end_s)) else ""
        for name in (name for name in of_label[label] if name in wanted):
            n = settings.n_points if name in known.POINT_MEASURES[label] else 0
            nothing = [math.nan] * (n + 1), [refused.get(name, "")] * (n + 1)
            values, why = nothing if name in refused else found[i, name]
            at_stride = near_stride(values, strides_hz) if name == "f0" else [False] * (n + 1)
            jumps = [""] * (n + 1)
            for k in range(1, n if name == "f0" else 0):
                low_hz, high_hz = sorted(values[k - 1 : k + 1])
                jumps[k] = "octave jump" if high_hz > settings.octave_jump * low_hz else ""
            low, high = known.PLAUSIBLE.get(name, (-math.inf, math.inf))
            cut = clipped if name != "duration" else ""
            outside = f"outside {low:g} .. {high:g} {known.UNITS[name]}"
            points, at_s = [*range(1, n + 1), 0], [*times_s[i, :n], (start_s + end_s) / 2]
            for k, (value, reason) in enumerate(zip(values, why, strict=True)):
                near = AT_STRIDE if at_stride[k] else ""
                suspect = "" if low <= value <= high else outside, cut, jumps[k], near
                flag = "" if math.isnan(value) else "; ".join(filter(None, suspect))
                place = LABELS.index(label), i + 1, points[k], at_s[k], start_s, end_s
                codes = reasons.setdefault(reason, len(reasons)), flags.setdefault(flag, len(flags))
                rows.append((*place, MEASURES.index(name), value, *codes))
    return np.array(rows, list(ROW.items())), tuple(reasons), tuple(flags)


def near_stride(f0_hz: Sequence[float] | np.ndarray, strides_hz: Sequence[float]) -> np.ndarray:
    """Says which values of F0 lie within :data:`NEAR_STRIDE` of one of these frequencies."""
    f0_hz = np.asarray(f0_hz, np.float64)
    known = np.concatenate([[-np.inf], np.sort(strides_hz), [np.inf]])
    above = np.searchsorted(known, f0_hz).clip(1, len(known) - 1)  # NaN would stand behind all
    apart = np.minimum(f0_hz - known[above - 1], known[above] - f0_hz)
    return apart <= NEAR_STRIDE * f0_hz


def f0_range_of(sound: np.ndarray, rate_hz: float, settings: PraatSettings) -> tuple[float, float]:
    """Finds the F0 range of one output in a first pass over the settings' range.

    Floor 0.75 times the first quartile (Praat's), ceiling 1.5 times the third of the frames that
    are voiced (De Looze & Hirst 2008, Detecting changes in key and range for the automatic
    modelling and coding of intonation, Speech Prosody), neither outside the settings' range in Hz,
    which remains where nothing is voiced.
    """
    layer = _Layer(one_channel(sound), rate_hz, settings, layer_limits(rate_hz, settings))
    fixed_hz = (settings.f0_floor_hz, settings.f0_ceiling_hz)
    f0_hz = np.zeros(0) if "f0" in _refused(layer) else _pitch(layer).frames
    if not f0_hz.any():
        return fixed_hz
    first_hz, third_hz = np.percentile(f0_hz[f0_hz > 0], [25, 75], method="hazen")
    return max(fixed_hz[0], 0.75 * float(first_hz)), min(fixed_hz[1], 1.5 * float(third_hz))


def clipped_share(sound: np.ndarray) -> float:
    """Returns the share of samples of ``[time]`` in a clipped run (:data:`CLIPPED_RUN`)."""
    full = np.abs(sound) >= FULL_SCALE
    if np.abs(sound).max(initial=0) > OVER_SCALE:
        return 0.0
    if len(full) < CLIPPED_RUN or not full.any():
        return 0.0
    runs = np.convolve(full, np.ones(CLIPPED_RUN), "valid") >= CLIPPED_RUN
    return float(np.mean(np.convolve(runs, np.ones(CLIPPED_RUN)) > 0))


_Column = tuple[np.ndarray, np.ndarray]
"""Values [intervals, points + 1], the last over the interval, or [intervals, 1]; and reasons."""


class _Layer(NamedTuple):
    sound: np.ndarray
    rate_hz: float
    settings: PraatSettings
    limits: LayerLimits

    def between(self, start_s: float, end_s: float) -> np.ndarray:
        """Returns the samples between two times; sample i stands at (i + 0.5) / rate."""
        first = max(0, math.ceil(start_s * self.rate_hz - 0.5))
        return self.sound[first : max(0, math.floor(end_s * self.rate_hz - 0.5) + 1)]

    def is_constant(self, start_s: float, end_s: float) -> bool:
        samples = self.between(start_s, end_s)
        return samples.size > 1 and np.ptp(samples) == 0


def _refused(layer: _Layer) -> dict[str, str]:
    """Maps each measure that cannot be made anywhere in the sound to the reason."""
    sound, settings = layer.sound, layer.settings
    n_bad = int(np.count_nonzero(~np.isfinite(sound)))
    if n_bad or np.ptp(sound) == 0:
        reason = f"{n_bad} of {len(sound)} samples are NaN or infinite"
        reason = reason if n_bad else "flat: the series is constant"
        return dict.fromkeys(set(MEASURES) - {"duration"}, reason)
    needed_s = dict.fromkeys((*known.FORMANTS, *known.BANDWIDTHS), 2 * settings.formant_window_s)
    needed_s["f0"] = needed_s["voiced_share"] = known.PITCH_PERIODS / settings.f0_floor_hz
    needed_s["hnr"] = (1 + settings.hnr_periods) / settings.hnr_min_pitch_hz
    needed_s["intensity"] = known.INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    refused, duration_s = dict(layer.limits.forbidden), len(sound) / layer.rate_hz
    if layer.rate_hz < known.STOPS_NEED_HZ:
        reason = f"the rate, {layer.rate_hz:g} Hz, is below the {known.STOPS_NEED_HZ:g} Hz of stops"
        refused |= dict.fromkeys(known.STOPS, reason)
    for name, seconds in needed_s.items():
        if duration_s <= seconds * (1 + 1e-9):  # at equality rounding decides in Praat
            reason = f"the series lasts {duration_s:g} s, Praat needs more than {seconds:g} s"
            refused.setdefault(name, reason)
    return refused


def _over(values: Sequence[float] | np.ndarray, reasons: str | Sequence[str]) -> _Column:
    """Makes a column of what only an interval has, with the reasons of those that are NaN."""
    column = np.array(values, np.float64)
    return column[:, None], np.where(np.isnan(column), reasons, "")[:, None]


def _values_of(
    track: praat.Track,
    spans_s: np.ndarray,
    times_s: np.ndarray,
    otherwise: str,
    still: np.ndarray | bool = False,
    why_still: str = "",
) -> _Column:
    """Takes the values of a track, NaN where ``still`` [intervals, points + 1], with reasons."""
    n_frames, first_s = len(track.frames_s), track.frames_s[0] - track.step_s / 2
    outside = (times_s < first_s) | (times_s > first_s + n_frames * track.step_s)
    first, last = ((spans_s - track.frames_s[0]) / track.step_s).T  # in frames
    no_frames = np.maximum(np.ceil(first), 0) > np.minimum(np.floor(last), n_frames - 1)
    values = np.column_stack([track.values.reshape(times_s.shape), track.means])
    values = np.where(still, math.nan, values)
    at_points = np.where(outside, AT_THE_EDGE, otherwise)
    reasons = np.column_stack([at_points, np.where(no_frames, NO_FRAMES, otherwise)])
    return values, np.where(np.isnan(values), np.where(still, why_still, reasons), "")


def _reads_any(track: praat.Track, times_s: np.ndarray, bad: np.ndarray, n: int) -> np.ndarray:
    """Says whether interpolating over n frames on either side of each time reads a bad one."""
    left = np.floor((times_s - track.frames_s[0]) / track.step_s).astype(int)
    return np.isin(left[..., None] + np.arange(1 - n, n + 1), np.flatnonzero(bad)).any(-1)


def _pitch(layer: _Layer, times_s: praat.Times = (), spans_s: praat.Spans = ()) -> praat.Track:
    settings = layer.settings
    return praat.track_f0(
        layer.sound, layer.rate_hz, times_s, spans_s, pitch_floor=settings.f0_floor_hz,
        pitch_ceiling=layer.limits.f0_ceiling_hz, time_step=settings.pitch_time_step_s,
        silence_threshold=settings.silence_threshold, voicing_threshold=settings.voicing_threshold,
    )  # fmt: skip


def _f0(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    track, shares = _pitch(layer, times_s.ravel(), spans_s), []
    for start_s, end_s in spans_s:
        voiced = track.frames[(start_s <= track.frames_s) & (track.frames_s <= end_s)] > 0
        shares.append(voiced.mean() if voiced.size else math.nan)
    f0 = _values_of(track, spans_s, times_s, "unvoiced")
    return {"f0": f0, "voiced_share": _over(shares, NO_FRAMES)}


def _intensity(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    min_pitch_hz, where = layer.settings.intensity_min_pitch_hz, (times_s.ravel(), spans_s)
    track = praat.track_intensity(layer.sound, layer.rate_hz, *where, minimum_pitch=min_pitch_hz)
    # A cubic reads two frames on either side; digital silence in one of them is no level.
    silent = _reads_any(track, times_s, track.frames < SILENCE_DB, 2)
    still = np.column_stack([silent, track.means < SILENCE_DB])
    values = _values_of(track, spans_s, times_s, "undefined", still, NOTHING_VARIES)
    return {"intensity": values}


def _formants(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    settings, reach_s = layer.settings, layer.settings.formant_window_s
    sound = layer.sound - layer.sound.mean() if settings.center else layer.sound
    tracks = praat.track_formants(
        sound, layer.rate_hz, times_s.ravel(), spans_s, window_length=reach_s,
        max_number_of_formants=layer.limits.n_formants,
        maximum_formant=layer.limits.formant_ceiling_hz,
        pre_emphasis_from=settings.pre_emphasis_from_hz,
    )  # fmt: skip
    # Praat finds formants even where nothing varies.
    windows_s = np.stack([times_s - reach_s, times_s + reach_s], axis=-1)
    windows_s = np.concatenate([windows_s, spans_s[:, None]], axis=1)  # [intervals, points + 1, 2]
    still = np.array([[layer.is_constant(*window) for window in row] for row in windows_s])
    columns = {}
    for name, track in tracks.items():
        if name in known.BANDWIDTHS:
            values = np.where(still[:, :-1], math.nan, track.values.reshape(times_s.shape))
            finite = (row[np.isfinite(row)] for row in values)
            track.means[:] = [row.mean() if row.size else math.nan for row in finite]
        otherwise = f"no formant {name[1:]} found"
        columns[name] = _values_of(track, spans_s, times_s, otherwise, still, NOTHING_VARIES)
    return columns


def _hnr(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    settings = layer.settings
    track = praat.track_hnr(
        layer.sound, layer.rate_hz, times_s.ravel(), spans_s, time_step=settings.hnr_time_step_s,
        minimum_pitch=settings.hnr_min_pitch_hz, periods_per_window=settings.hnr_periods,
        silence_threshold=settings.hnr_silence_threshold,
    )  # fmt: skip
    # A line reads one frame on either side; -200 dB in one of them is no harmonicity.
    silent = _reads_any(track, times_s, track.frames <= praat.SILENT_HNR_DB, 1)
    still = np.column_stack([silent, np.zeros(len(spans_s), bool)])
    return {"hnr": _values_of(track, spans_s, times_s, NO_HARMONICITY, still, NO_HARMONICITY)}


def _moments(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    half_s, duration_s = layer.settings.spectrum_window_s / 2, len(layer.sound) / layer.rate_hz
    windows_s = np.stack([times_s - half_s, times_s + half_s], axis=-1)
    whole_s = np.clip(spans_s, [0, -math.inf], [math.inf, duration_s])
    windows_s = np.concatenate([windows_s, whole_s[:, None]], axis=1)  # [intervals, points + 1, 2]
    values = np.full((*windows_s.shape[:2], len(known.MOMENTS)), math.nan)
    reasons = np.full(windows_s.shape[:2], "", object)
    for i, k in np.ndindex(reasons.shape):
        at_point, (start_s, end_s) = k < times_s.shape[1], windows_s[i, k]
        inside = -1e-9 <= start_s and end_s <= duration_s + 1e-9
        if not inside or layer.between(start_s, end_s).size < 2:
            reasons[i, k] = AT_THE_EDGE if at_point else NO_FRAMES
        elif layer.is_constant(start_s, end_s):
            reasons[i, k] = NOTHING_VARIES
        else:
            values[i, k] = praat.moments(
                layer.sound, layer.rate_hz, (start_s, end_s), hanning=at_point,
                subtract_mean=layer.settings.center, ceiling_hz=layer.limits.spectrum_ceiling_hz,
            )  # fmt: skip
    return {name: (values[..., m], reasons) for m, name in enumerate(known.MOMENTS)}


def _zcr(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    rates, reasons = np.full(len(spans_s), math.nan), []
    for i, (start_s, end_s) in enumerate(spans_s):
        samples = layer.between(start_s, end_s)
        if samples.size > 1 and np.ptp(samples) > 0:
            above = samples >= (samples.mean() if layer.settings.center else 0)
            rates[i] = np.count_nonzero(np.diff(above)) / (end_s - start_s)
        reasons.append(NO_FRAMES if samples.size < 2 else NOTHING_VARIES)
    return {"zcr": _over(rates, reasons)}


def _cpps(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    settings, values, reasons = layer.settings, np.full(len(spans_s), math.nan), []
    window_s = known.CPPS_PERIODS / settings.cpps_min_pitch_hz
    for i, span_s in enumerate(spans_s):
        held_s = layer.between(*span_s).size / layer.rate_hz
        if held_s >= window_s and not layer.is_constant(*span_s):
            values[i] = praat.cpps(
                layer.sound, layer.rate_hz, span_s, subtract_mean=settings.center,
                min_pitch_hz=settings.cpps_min_pitch_hz, max_pitch_hz=settings.cpps_max_pitch_hz,
                time_step_s=settings.cpps_time_step_s, ceiling_hz=layer.limits.cpps_ceiling_hz,
            )  # fmt: skip
        held = f"the interval holds {held_s:.3g} s of the sound, the cepstrogram's window lasts "
        reasons.append(f"{held}{window_s:g} s" if held_s < window_s else NOTHING_VARIES)
    return {"cpps": _over(values, reasons)}


def _stops(layer: _Layer, spans_s: np.ndarray, times_s: np.ndarray) -> dict[str, _Column]:
    track, earliest_s, found = _pitch(layer), 0.0, []
    for start_s, end_s in spans_s:
        near = (track.frames_s >= start_s) & (track.frames_s <= min(end_s, start_s + F0_NEAR_S))
        voiced = track.frames[near & (track.frames > 0)]
        f0_hz = float(np.median(voiced)) if len(voiced) else math.nan
        span_s = float(start_s), float(end_s)
        found.append(find_stop(layer.sound, layer.rate_hz, span_s, f0_hz, earliest_s))
        earliest_s = span_s[1]
    reasons = [stop.reason for stop in found]
    return {name: _over([getattr(x, name) for x in found], reasons) for name in known.STOPS}


_ANALYSES: dict[Callable[[_Layer, np.ndarray, np.ndarray], dict[str, _Column]], Sequence[str]] = {
    _f0: ("f0", "voiced_share"),
    _intensity: ("intensity",),
    _formants: (*known.FORMANTS, *known.BANDWIDTHS),
    _hnr: ("hnr",),
    _moments: known.MOMENTS,
    _zcr: ("zcr",),
    _cpps: ("cpps",),
    _stops: known.STOPS,
}
"""What each gives, of intervals [intervals, 2] and points in them [intervals, points] in s."""


def _durations(
    intervals: Sequence[Interval], own_intervals: Sequence[Interval] | None, limits: LayerLimits
) -> dict[tuple[int, str], Any]:
    """Duration of each interval, or of the layer's own that overlaps most with it."""
    found: dict[tuple[int, str], Any] = {}
    for i, (label, start_s, end_s) in enumerate(intervals):
        value, reason = end_s - start_s, ""
        if own_intervals is not None:
            same = [own for own in own_intervals if own.label == label]
            shared_s = [min(own.end_s, end_s) - max(own.start_s, start_s) for own in same]
            most = int(np.argmax([0.0, *shared_s]))
            value = same[most - 1].end_s - same[most - 1].start_s if most else math.nan
            if not most:
                reason = f"no {label} interval of the layer's own overlaps with it"
                needed = {"voiced": "f0", "frication": known.MOMENTS[0]}.get(label, "")
                if needed in limits.forbidden:
                    reason += f" ({limits.forbidden[needed]})"
        found[i, "duration"] = [value], [reason]
    return found
