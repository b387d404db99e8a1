"""Spectrogram of the target above that of a layer (Beguš & Zhou 2022, Fig. 8)."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import label_legend, shade, stacked
from wavegan_tf.report.reading import Panel

WINDOW_S = 0.005
STEP_S = 0.002
DYNAMIC_RANGE_DB = 70.0
"""Praat's defaults for a broad-band spectrogram: Gaussian window, 70 dB, +6 dB per octave."""


def draw_spectrograms(
    panels: list[Panel], i: int, duration_s: float, intervals: dict, name: str
) -> Figure:
    """Spectrograms, one below the other, all up to the Nyquist frequency of the last panel.

    Args:
        panels: the channels of the target, then the layer.
        i: row of the series.
        duration_s: of the time axis.
        intervals: by channel, those of the target: a strip at the top of its panel.
        name: of the output, for the title.
    """
    top_hz = panels[-1].nyquist_hz
    figure, axes = stacked(len(panels), 1.9, 0.8, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        times_s, frequencies_hz, level_db = spectrogram(panel.series[i], panel.rate_hz, top_hz)
        step_s, step_hz = times_s[1] - times_s[0], frequencies_hz[1]
        image = axis.imshow(
            level_db,
            extent=(
                times_s[0] - step_s / 2,
                times_s[-1] + step_s / 2,
                frequencies_hz[0] - step_hz / 2,
                frequencies_hz[-1] + step_hz / 2,
            ),
            cmap="gray_r",
            vmin=-DYNAMIC_RANGE_DB,
            vmax=0,
            aspect="auto",
            origin="lower",
        )
        axis.set(ylim=(0, top_hz), ylabel="Frequency (Hz)", title=panel.heading())
        if panel is not panels[-1]:
            here = intervals.get(panel.channel or 1, [])
            shade(axis, here, low=0.96, alpha=1)
            label_legend(axis, here, alpha=1)
    for patch in (patch for axis in axes for patch in axis.patches):
        patch.set_zorder(2)  # the strip lies on the picture
    axes[-1].set(xlim=(0, duration_s), xlabel="Time (s)")
    label = "Level (dB re maximum of the panel)"
    figure.colorbar(image, ax=list(axes), label=label, pad=0.02)
    figure.suptitle(f"{name}: spectrograms (5 ms Gaussian window, +6 dB per octave)")
    return figure


def spectrogram(
    series: np.ndarray, rate_hz: float, top_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute a broad-band spectrogram like Praat's picture of one.

    Gaussian window of 5 ms effective length (twice that physically, at least 8 samples), a frame
    every 2 ms (at least a sample apart), +6 dB per octave. The weighted mean of each frame is
    subtracted: averages after ReLU have an offset that would fill the lowest 500 Hz. What is not
    finite counts as 0.

    Args:
        series: ``[time]``.
        rate_hz: its rate.
        top_hz: highest frequency wanted.

    Returns:
        Frame times in s ``[frames]``, frequencies in Hz ``[bins]``, and the level in dB re the
        maximum, no lower than -70, ``[bins, frames]``; -70 throughout for silence.
    """
    series = np.nan_to_num(series.astype(np.float64), posinf=0, neginf=0)
    if np.ptp(series) == 0:  # silence, whatever its offset: no rounding errors, please
        series = np.zeros_like(series)
    n = max(8, round(2 * WINDOW_S * rate_hz))
    hop = max(1, round(STEP_S * rate_hz))
    phase = (np.arange(n) + 0.5) / n - 0.5
    window = np.exp(-48 * phase**2) - np.exp(-12)  # 0 at both ends, as in Praat
    window /= window.sum()
    padded = np.pad(series, n // 2, mode="edge")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop]  # [frames, n]
    frames = frames - (frames @ window)[:, None]
    n_fft = max(4 * n, 256)
    spectrum = np.abs(np.fft.rfft(frames * window, n_fft)).T  # [bins, frames]
    frequencies_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    spectrum = (spectrum * frequencies_hz[:, None])[frequencies_hz <= top_hz]
    frequencies_hz = frequencies_hz[frequencies_hz <= top_hz]
    times_s = (np.arange(len(frames)) * hop + n / 2 - n // 2) / rate_hz
    floor = 10 ** (-DYNAMIC_RANGE_DB / 20)
    spectrum /= spectrum.max() or 1.0
    return times_s, frequencies_hz, 20 * np.log10(np.maximum(spectrum, floor))
