"""Sounds whose acoustics are known, for tests: float64, one channel.

Sample i stands at (i + 0.5) / rate.
"""

import math

import numpy as np
from scipy.signal import lfilter

from wavegan_tf.speech.averages import to_sound

RATE, LENGTH = 16000, 16384
TIMES_S = (np.arange(LENGTH) + 0.5) / RATE
VOWELS = {"i": (270, 2290, 3010), "e": (530, 1840, 2480), "a": (730, 1090, 2440)}
BANDWIDTHS_HZ = (60, 90, 120, 150, 200)


def vowel(f0_hz, formants_hz, bandwidths_hz=BANDWIDTHS_HZ):
    """A vowel of peak 0.5, [LENGTH]; ``f0_hz`` a number or [LENGTH].

    The harmonics of a glottal pulse train, with phases that follow F0 exactly, through second-order
    resonators; no Praat in it.
    """
    f0_hz = np.broadcast_to(f0_hz, LENGTH)
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    sound = sum(np.cos(k * phase) / k for k in range(1, int(7500 / f0_hz.max())))
    for formant_hz, bandwidth_hz in zip((*formants_hz, 3500, 4500), bandwidths_hz, strict=True):
        radius = math.exp(-math.pi * bandwidth_hz / RATE)
        poles = [1, -2 * radius * math.cos(2 * math.pi * formant_hz / RATE), radius**2]
        sound = lfilter([sum(poles)], poles, sound)
    return 0.5 * sound / np.abs(sound).max()


def klatt_vowel(f0_hz, formants_hz, bandwidths_hz):
    """A vowel of Praat's KlattGrid synthesiser, [LENGTH], peak 0.5."""
    from parselmouth.praat import call

    three = [x for pair in zip(formants_hz, bandwidths_hz, strict=True) for x in pair]
    grid = call(
        "Create KlattGrid from vowel...", "v", LENGTH / RATE, f0_hz, *three, 3500, 0.05, 1000
    )
    sound = call(call(grid, "To Sound"), "Resample...", RATE, 50).values[0]
    sound = np.pad(sound, (0, max(0, LENGTH - len(sound))))[:LENGTH]
    return 0.5 * sound / np.abs(sound).max()


def frication(low_hz, high_hz, rms=0.05, seed=0):
    """Noise of a flat spectrum between two frequencies and nothing beyond, [LENGTH]."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(LENGTH))
    frequencies_hz = np.fft.rfftfreq(LENGTH, 1 / RATE)
    spectrum[(frequencies_hz < low_hz) | (frequencies_hz > high_hz)] = 0
    sound = np.fft.irfft(spectrum, LENGTH)
    return rms * sound / sound.std()


def white_noise(rms, seed=0):
    """White noise, [LENGTH]."""
    return rms * np.random.default_rng(seed).standard_normal(LENGTH)


def tone(frequency_hz, peak=0.5, rate=RATE):
    """A sine sampled at any rate that divides RATE, over the time of LENGTH samples."""
    times_s = (np.arange(int(LENGTH * rate / RATE)) + 0.5) / rate
    return peak * np.sin(2 * np.pi * frequency_hz * times_s)


def spans(*spans_s):
    """1 inside the spans of time and 0 outside, [LENGTH]."""
    return sum(((a <= TIMES_S) & (b > TIMES_S)).astype(float) for a, b in spans_s)


def at_rate(sound, rate):
    """A sound as a layer of a lower rate has it: means of stretches, then back up, [LENGTH]."""
    return to_sound(sound.reshape(-1, RATE // rate).mean(1), LENGTH)


def averaged(sound, rate):
    """What is left of a sound in an average after ReLU: rectified, at a lower rate, [LENGTH]."""
    return at_rate(np.maximum(sound, 0), rate)
