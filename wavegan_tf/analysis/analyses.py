"""What Praat and NumPy are asked for one layer, analysis by analysis.

Each analysis is made once for all intervals that want one of its measures. It returns the values
with the reasons where there are none, keyed by interval (from 0) and measure.
"""

import math

import numpy as np

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.measures import BANDWIDTHS, FORMANTS, MOMENTS
from wavegan_tf.analysis.missing import (
    AT_THE_EDGE,
    NO_FRAMES,
    NO_HARMONICITY,
    NOTHING_VARIES,
    Layer,
    Values,
    is_constant,
    over_interval,
    places,
    reads_any,
    samples_between,
    values_of,
    with_labels,
)
from wavegan_tf.analysis.settings import CPPS_PERIODS

SILENCE_DB = -100.0
"""Below this a frame is digital silence, for which Praat writes -300 dB or the rounding of its own
arithmetic; a constant stretch is silent too, since the mean of each window is subtracted."""


def analyse(layer: Layer, own_intervals: list | None) -> dict[tuple[int, str], Values]:
    """Run every analysis that a label of the intervals and the layer's bandwidth call for.

    Args:
        layer: :class:`Layer`.
        own_intervals: the layer's own annotation; None for the target.

    Returns:
        :class:`Values` by number of the interval, from 0, and measure; those refused are left out.
    """
    results = _durations(layer, own_intervals)
    for measure in (_f0, _intensity, _formants, _hnr, _moments, _zcr, _cpps):
        results |= measure(layer)
    return results


def _f0(layer):
    """F0 in voiced intervals; from the same frames the voiced share, in frication too."""
    chosen = with_labels(layer, "voiced", "frication")
    if "f0" in layer.refused or not chosen:
        return {}
    options = pitch_options(layer.settings, layer.limits)
    track = praat.track_f0(layer.sound, layer.rate_hz, *places(layer, chosen), **options)
    results = values_of(layer, chosen, "f0", track, "unvoiced")
    times_s = track.first_s + track.step_s * np.arange(track.n_frames)
    for i in chosen:
        inside = (layer.intervals[i].start_s <= times_s) & (times_s <= layer.intervals[i].end_s)
        share = float(np.mean(track.frames[inside] > 0)) if inside.any() else math.nan
        results[i, "voiced_share"] = over_interval(share, NO_FRAMES)
    return results


def _intensity(layer):
    """Intensity in every interval."""
    chosen = list(range(len(layer.intervals)))
    if "intensity" in layer.refused or not chosen:
        return {}
    where = places(layer, chosen)
    min_pitch_hz = layer.settings.intensity_min_pitch_hz
    track = praat.track_intensity(layer.sound, layer.rate_hz, *where, min_pitch_hz=min_pitch_hz)
    # A cubic reads two frames on either side; digital silence in one of them is no level.
    silent = reads_any(track, where[0], track.frames < SILENCE_DB, 2)
    quiet = (silent, track.means < SILENCE_DB)
    return values_of(layer, chosen, "intensity", track, "undefined", quiet, NOTHING_VARIES)


def _formants(layer):
    """Formants and bandwidths in voiced intervals."""
    chosen = with_labels(layer, "voiced")
    numbers = [int(name[1:]) for name in FORMANTS if name not in layer.refused]
    if not numbers or not chosen:
        return {}
    sound, settings, where = layer.sound, layer.settings, places(layer, chosen)
    tracks = praat.track_formants(
        sound - sound.mean() if settings.center else sound,
        layer.rate_hz,
        *where,
        n_formants=layer.limits.n_formants,
        ceiling_hz=layer.limits.formant_ceiling_hz,
        window_s=settings.formant_window_s,
        pre_emphasis_from_hz=settings.pre_emphasis_from_hz,
        numbers=numbers,
    )
    reach_s = settings.formant_window_s
    # Praat finds formants even where nothing varies.
    still = np.array([is_constant(layer, t - reach_s, t + reach_s) for t in where[0]])
    quiet = (still, np.array([is_constant(layer, *span_s) for span_s in where[1]]))
    results = {}
    for name, track in tracks.items():
        if name in BANDWIDTHS:
            values = np.where(still, math.nan, track.values).reshape(len(chosen), -1)
            track.means[:] = [
                row[np.isfinite(row)].mean() if np.isfinite(row).any() else math.nan
                for row in values
            ]
        otherwise = f"no formant {name[1:]} found"
        results |= values_of(layer, chosen, name, track, otherwise, quiet, NOTHING_VARIES)
    return results


def _hnr(layer):
    """Harmonicity in voiced intervals."""
    chosen = with_labels(layer, "voiced")
    if "hnr" in layer.refused or not chosen:
        return {}
    settings, where = layer.settings, places(layer, chosen)
    track = praat.track_hnr(
        layer.sound,
        layer.rate_hz,
        *where,
        time_step_s=settings.hnr_time_step_s,
        min_pitch_hz=settings.hnr_min_pitch_hz,
        silence_threshold=settings.hnr_silence_threshold,
        periods_per_window=settings.hnr_periods,
    )
    # A line reads one frame on either side; -200 dB in one of them is no harmonicity.
    silent = reads_any(track, where[0], track.frames <= praat.SILENT_HNR_DB, 1)
    quiet = (silent, np.zeros(len(chosen), bool))
    return values_of(layer, chosen, "hnr", track, NO_HARMONICITY, quiet, NO_HARMONICITY)


def _moments(layer):
    """Spectral moments in frication."""
    chosen = with_labels(layer, "frication")
    if MOMENTS[0] in layer.refused or not chosen:
        return {}
    half_s = layer.settings.spectrum_window_s / 2
    results = {}
    for i in chosen:
        windows_s = [(t - half_s, t + half_s) for t in layer.times_s[i]]
        values, reasons = _moments_of(layer, windows_s, hanning=True, edge=AT_THE_EDGE)
        start_s, end_s = max(0, layer.intervals[i].start_s), layer.intervals[i].end_s
        whole_s = [(start_s, min(end_s, len(layer.sound) / layer.rate_hz))]
        means, why = _moments_of(layer, whole_s, hanning=False, edge=NO_FRAMES)
        for k, measure in enumerate(MOMENTS):
            results[i, measure] = Values(values[:, k].tolist(), reasons, means[0, k], why[0])
    return results


def _moments_of(layer, windows_s, hanning, edge):
    """Moments [windows, 4] and a reason per window, all NaN where the window cannot be used."""
    duration_s = len(layer.sound) / layer.rate_hz
    reasons = []
    for start_s, end_s in windows_s:
        inside = -1e-9 <= start_s and end_s <= duration_s + 1e-9
        if not inside or samples_between(layer, start_s, end_s).size < 2:
            reasons.append(edge)
        else:
            reasons.append(NOTHING_VARIES if is_constant(layer, start_s, end_s) else "")
    usable = [k for k, reason in enumerate(reasons) if not reason]
    values = np.full((len(windows_s), len(MOMENTS)), math.nan)
    values[usable] = praat.moments(
        layer.sound,
        layer.rate_hz,
        [windows_s[k] for k in usable],
        hanning=hanning,
        subtract_mean=layer.settings.center,
        ceiling_hz=layer.limits.spectrum_ceiling_hz,
    )
    return values, reasons


def _zcr(layer):
    """Zero crossings per second in voiced intervals and frication."""
    results = {}
    if "zcr" in layer.refused:
        return results
    for i in with_labels(layer, "voiced", "frication"):
        start_s, end_s = layer.intervals[i].start_s, layer.intervals[i].end_s
        samples = samples_between(layer, start_s, end_s)
        rate, reason = math.nan, NO_FRAMES if samples.size < 2 else NOTHING_VARIES
        if samples.size > 1 and np.ptp(samples) > 0:
            above = samples >= (samples.mean() if layer.settings.center else 0)
            rate = np.count_nonzero(np.diff(above)) / (end_s - start_s)
        results[i, "zcr"] = over_interval(rate, reason)
    return results


def _cpps(layer):
    """CPPS in voiced intervals that hold the window of the cepstrogram."""
    settings, results = layer.settings, {}
    if "cpps" in layer.refused:
        return results
    window_s = CPPS_PERIODS / settings.cpps_min_pitch_hz
    for i in with_labels(layer, "voiced"):
        span_s = layer.intervals[i].start_s, layer.intervals[i].end_s
        held_s = samples_between(layer, *span_s).size / layer.rate_hz
        value, reason = math.nan, f"the interval holds {held_s:.3g} s of the sound, "
        reason += f"the cepstrogram's window lasts {window_s:g} s"
        if held_s >= window_s:
            reason = NOTHING_VARIES
            if not is_constant(layer, *span_s):
                value = praat.cpps(
                    layer.sound,
                    layer.rate_hz,
                    span_s,
                    subtract_mean=settings.center,
                    min_pitch_hz=settings.cpps_min_pitch_hz,
                    max_pitch_hz=settings.cpps_max_pitch_hz,
                    time_step_s=settings.cpps_time_step_s,
                    ceiling_hz=layer.limits.cpps_ceiling_hz,
                )
        results[i, "cpps"] = over_interval(value, reason)
    return results


def _durations(layer, own_intervals):
    """Duration of the interval, or of the layer's own that overlaps most with it."""
    results = {}
    for i, interval in enumerate(layer.intervals):
        value, reason = interval.end_s - interval.start_s, ""
        if own_intervals is not None:
            overlaps = [
                (min(own.end_s, interval.end_s) - max(own.start_s, interval.start_s), own)
                for own in own_intervals
                if own.label == interval.label
            ]
            shared_s, own = max(overlaps, default=(0, None), key=lambda pair: pair[0])
            value = own.end_s - own.start_s if shared_s > 0 else math.nan
            needed = {"voiced": "f0", "frication": MOMENTS[0]}.get(interval.label)
            forbidden = layer.limits.forbidden.get(needed)
            reason = f"no {interval.label} interval of the layer's own overlaps with it"
            reason += f" ({forbidden})" if forbidden else ""
        results[i, "duration"] = over_interval(value, reason)
    return results


def pitch_options(settings, limits):
    """Arguments of :func:`wavegan_tf.analysis.praat.frames_f0`."""
    return {
        "floor_hz": settings.f0_floor_hz,
        "ceiling_hz": limits.f0_ceiling_hz,
        "time_step_s": settings.pitch_time_step_s,
        "silence_threshold": settings.silence_threshold,
        "voicing_threshold": settings.voicing_threshold,
    }
