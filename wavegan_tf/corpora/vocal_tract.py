"""Speech from segments: Praat's glottal source and formant filter, and shaped noise.

Praat's manual: "PointProcess: To Sound (phonation)...", "Sound & FormantGrid: Filter". The first
glottal cycle begins exactly where its segment begins and noise lasts exactly as long as its
segment, so that boundaries are the truth and not an estimate; the glottis closes, which the eye
finds first in a waveform, a period later.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np
import parselmouth
from parselmouth.praat import call
from scipy import signal

from wavegan_tf.corpora.clips import FULL_SCALE, SAMPLE_RATE_HZ

BANDWIDTHS_HZ = (80.0, 100.0, 150.0, 250.0, 300.0, 400.0)
"""Of F1 to F6 (Klatt 1980, JASA 67:971-995, within his ranges)."""
UPPER_HZ = (3500.0, 4500.0, 5500.0)
"""F4 to F6 of a vocal tract of 17.5 cm, the same in every segment."""
FLOOR_DB = -65.0
"""RMS of the noise under everything, dB re full scale: no recording is digitally silent."""
PEAK = 0.98  # of a clip that would have been clipped, against full scale

_LIPS = ([1, -0.9], [1])  # their radiation: a first difference, all but
_SLOPE = 1.0  # of the glottal flow's derivative, in powers of frequency
_JUMP_S = 0.001  # in which formants jump; a FormantGrid has one point at a time
_RAMP_S = 0.002  # of levels at a boundary, inside the segment
_NOISE_EDGE_S = 0.020  # in which turbulence comes and goes; of a short one a sixth
_FADE_S = 0.025  # of the voice before silence
_OPEN_PHASE, _COLLISION_PHASE, _POWERS = 0.7, 0.03, (3.0, 4.0)  # Praat's defaults

Formants = tuple[float, ...]  # F1 to F3, Hz
_Track = tuple[list[float], list[float]]  # times of a formant, s, and its values there, Hz


class Noise(NamedTuple):
    """The spectrum of a turbulence: white noise through pole pairs and first differences."""

    poles_hz: tuple[tuple[float, float], ...]  # frequency, bandwidth
    differences: int = 1  # +6 dB per octave each


class Segment(NamedTuple):
    """A stretch of speech; steady vowels of one level differ by up to 6 dB."""

    label: str
    duration_s: float
    formants_hz: tuple[Formants, ...] = ()  # at start and end; empty: straight between neighbours
    voice_db: float | None = None  # against a full vowel's 0
    breath_db: float | None = None  # aspiration, which passes the same formants
    noise: Noise | None = None  # turbulence, which passes none
    noise_db: float = 0.0  # its RMS, dB re full scale
    noise_s: float = 0.0  # how long it lasts from the start; 0: as the segment


def speak(
    segments: list[Segment],
    f0_hz: list[tuple[float, float]],
    level_db: float,
    scale: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Synthesises segments one after the other.

    Args:
        segments: At least one has a voice of 0 dB.
        f0_hz: (time s, F0 Hz) from the start on; linear in log F0 between.
        level_db: RMS of the voiced segments of 0 dB together, dB re full scale.
        scale: Of formants: 1, a man; 1.17, a woman.
        rng: For the noise.

    Returns:
        float64 [time] at 16 kHz.
    """
    duration_s = timed(segments)[-1][2]
    num = round(duration_s * SAMPLE_RATE_HZ)
    time_s = (np.arange(num) + 0.5) / SAMPLE_RATE_HZ
    tracks = _formant_tracks(segments, scale)
    gains = _levelling_gain(tracks, time_s, float(np.mean([hz for _, hz in f0_hz])))
    voice = _voice(segments, duration_s, f0_hz, num) * _envelope(segments, time_s, "voice_db")
    breath = rng.standard_normal(num) * _envelope(segments, time_s, "breath_db")
    sound = _through_formants((voice + breath) * gains, tracks, duration_s)
    sound = signal.lfilter(*_LIPS, sound)
    loud = np.zeros(num, bool)
    for segment, start_s, end_s in timed(segments):
        if segment.voice_db == 0:
            loud |= (time_s > start_s) & (time_s < end_s)
    sound *= 10 ** (level_db / 20) / np.sqrt(np.mean(sound[loud] ** 2))
    for segment, start_s, end_s in timed(segments):
        if segment.noise is not None:
            end_s = min(end_s, start_s + segment.noise_s) if segment.noise_s else end_s
            edge_s = min(_NOISE_EDGE_S, (end_s - start_s) / 6)
            window = _ramps(time_s, start_s, end_s, edge_s, edge_s)
            level = 10 ** (segment.noise_db / 20)
            sound += level * window * shaped_noise(segment.noise, num, rng)
    return sound + 10 ** (FLOOR_DB / 20) * rng.standard_normal(num)


def formants_hz(segments: list[Segment], at_s: float, scale: float) -> Formants:
    """Returns the formants that the filter has at a time, as Praat interpolates them."""
    tracks = _formant_tracks(segments, scale)[:3]
    return tuple(float(np.interp(at_s, times, values)) for times, values in tracks)


def fit(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Makes a sound quieter as a whole if 16 bits would clip it; returns it and by how many dB."""
    peak = np.abs(samples).max()
    if peak * FULL_SCALE <= FULL_SCALE - 1:
        return samples, 0.0
    return samples * (PEAK / peak), float(20 * np.log10(PEAK / peak))


def timed(segments: list[Segment]) -> list[tuple[Segment, float, float]]:
    """Returns segments with their starts and ends, s, which are whole samples."""
    ends = np.round(np.cumsum([x.duration_s for x in segments]) * SAMPLE_RATE_HZ)
    edges = np.concatenate([[0], ends]) / SAMPLE_RATE_HZ
    return list(zip(segments, edges[:-1], edges[1:], strict=True))


def shaped_noise(noise: Noise, num: int, rng: np.random.Generator) -> np.ndarray:
    """Draws noise of the spectrum wanted and an expected RMS of 1: [num]."""
    b, a, _, power = _filter(noise)
    return signal.lfilter(b, a, rng.standard_normal(num + 512))[512:] / np.sqrt(power.mean())


def centre_of_gravity(noise: Noise) -> float:
    """Returns the mean frequency of the noise, Hz: weighted by power, 0 to 8 kHz."""
    _, _, frequencies_hz, power = _filter(noise)
    return float(frequencies_hz @ power / power.sum())


@functools.lru_cache
def _filter(noise: Noise) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The filter's coefficients b and a; frequencies [bins], Hz, and its power there."""
    b, a = np.ones(1), np.ones(1)
    for frequency_hz, bandwidth_hz in noise.poles_hz:
        a = np.convolve(a, [1, *(-x for x in _resonator(frequency_hz, bandwidth_hz))])
    for _ in range(noise.differences):
        b = np.convolve(b, [1, -1])
    frequencies_hz, response = signal.freqz(b, a, 4096, fs=SAMPLE_RATE_HZ)
    return b, a, frequencies_hz, np.abs(response) ** 2


def _resonator(frequency_hz: float | np.ndarray, bandwidth_hz: float) -> tuple:
    """The feedback of a digital resonator on its last two outputs (Klatt 1980, eq. 2)."""
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE_HZ) + np.zeros_like(frequency_hz)
    angle = 2 * np.pi * np.asarray(frequency_hz) / SAMPLE_RATE_HZ
    return 2 * radius * np.cos(angle), -(radius**2)


def _formant_tracks(segments: list[Segment], scale: float) -> list[_Track]:
    times: list[float] = []
    points: list[Formants] = []
    for segment, start_s, end_s in timed(segments):
        if segment.formants_hz:
            times += [start_s + _JUMP_S / 2, end_s - _JUMP_S / 2]
            points += segment.formants_hz
    tracks = [(times, [scale * p[i] for p in points]) for i in range(3)]
    return tracks + [([0.0], [scale * f_hz]) for f_hz in UPPER_HZ]


def _levelling_gain(tracks: list[_Track], time_s: np.ndarray, f0_hz: float) -> np.ndarray:
    """What gives a voice of this F0 the same level through any formants, roughly: [time]."""
    # Of a source that falls by 6 dB per octave; Praat's falls so only above some harmonics.
    harmonics_hz = np.arange(f0_hz, SAMPLE_RATE_HZ / 2, f0_hz)
    z = np.exp(-2j * np.pi * harmonics_hz / SAMPLE_RATE_HZ)  # one sample's delay
    source = np.abs(np.polyval(_LIPS[0][::-1], z)) * harmonics_hz**-_SLOPE
    response = np.tile(source, [len(tracks[0][0]), 1])  # [points, harmonics]
    for (_, values), bandwidth_hz in zip(tracks, BANDWIDTHS_HZ, strict=True):
        a, b = (x[:, None] for x in _resonator(np.asarray(values), bandwidth_hz))
        response = response / np.abs(1 - a * z - b * z**2)
    gains = np.sum(response**2, axis=1) ** -0.5
    return np.exp(np.interp(time_s, tracks[0][0], np.log(gains)))


def _through_formants(sound: np.ndarray, tracks: list[_Track], duration_s: float) -> np.ndarray:
    grid = call("Create FormantGrid", "tract", 0, duration_s, len(tracks), 500, 1000, 50, 50)
    for number, (times, values) in enumerate(tracks, start=1):
        call(grid, "Remove formant points between", number, 0, duration_s)
        call(grid, "Remove bandwidth points between", number, 0, duration_s)
        call(grid, "Add bandwidth point", number, 0, BANDWIDTHS_HZ[number - 1])
        for at_s, value in zip(times, values, strict=True):
            call(grid, "Add formant point", number, at_s, value)
    return call([parselmouth.Sound(sound, SAMPLE_RATE_HZ), grid], "Filter (no scale)").values[0]


def _voice(
    segments: list[Segment], duration_s: float, f0_hz: list[tuple[float, float]], num: int
) -> np.ndarray:
    """The glottal flow's derivative, mean power 1 where there is voice: [num]."""
    process = call("Create empty PointProcess", "pulses", 0, duration_s)
    for voiced, group in itertools.groupby(timed(segments), lambda x: x[0].voice_db is not None):
        run = list(group)
        for at_s in _pulses(run[0][1], run[-1][2], f0_hz) if voiced else ():
            call(process, "Add point", at_s)
    phases = (_OPEN_PHASE, _COLLISION_PHASE, *_POWERS)
    flow = call(process, "To Sound (phonation)", SAMPLE_RATE_HZ, 1.0, 0.05, *phases).values[0]
    flow = np.resize(flow, num)
    return flow / np.sqrt(np.mean(flow[flow != 0] ** 2))


def _pulses(start_s: float, end_s: float, f0_hz: list[tuple[float, float]]) -> np.ndarray:
    """Times of glottal pulses: the first at the start, each a period after the last."""
    times, values = zip(*f0_hz, strict=True)
    fine_s = np.arange(start_s, end_s, 1e-4)
    periods = np.concatenate([[0], np.cumsum(np.exp(np.interp(fine_s, times, np.log(values))))])
    periods = periods[:-1] * 1e-4
    return np.interp(np.arange(int(periods[-1]) + 1), periods, fine_s)


def _envelope(segments: list[Segment], time_s: np.ndarray, what: str) -> np.ndarray:
    """Amplitudes of a source over time: short ramps where it comes, a fade where it ends."""
    envelope = np.zeros_like(time_s)
    levels_db = [None, *(getattr(segment, what) for segment in segments), None]
    for i, (_, start_s, end_s) in enumerate(timed(segments)):
        before, level_db, after = levels_db[i : i + 3]
        if level_db is None:
            continue
        here = (time_s >= start_s) & (time_s < end_s)
        # Levels that follow each other meet: the later one is reached in 15 ms.
        from_db = level_db if before is None else before
        levels = from_db + (level_db - from_db) * np.clip((time_s[here] - start_s) / 0.015, 0, 1)
        fall_s = min(_FADE_S, (end_s - start_s) / 3) if after is None else 0
        ramp_s = _RAMP_S if before is None else 0
        envelope[here] = 10 ** (levels / 20) * _ramps(time_s[here], start_s, end_s, ramp_s, fall_s)
    return envelope


def _ramps(
    time_s: np.ndarray, start_s: float, end_s: float, rise_s: float, fall_s: float
) -> np.ndarray:
    """1 from start to end, 0 outside, with half-cosine edges inside."""
    up = np.clip((time_s - start_s) / rise_s, 0, 1) if rise_s else 1.0
    down = np.clip((end_s - time_s) / fall_s, 0, 1) if fall_s else 1.0
    inside = (time_s >= start_s) & (time_s < end_s)
    return inside * (0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down)))
