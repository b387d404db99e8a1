"""Figures of a run, drawn from the files it wrote and from nothing else.

The only file that imports matplotlib. Figures are made without pyplot, always with the same style,
and the same files give the same PNG. Colours are told apart in every common colour blindness
(Okabe & Ito 2008; viridis).
"""

import io
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from wavegan_tf.analysis.averages import upsample_linear
from wavegan_tf.errors import InputError
from wavegan_tf.report.tables import read_csv, read_json, read_npz

WIDTH_IN = 7.0  # the text width of a journal page
DPI = 200
SCREEN_DPI = 100
GREY, BLUE, ORANGE, SKY = "#8C8C8C", "#0072B2", "#D55E00", "#56B4E9"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.titlepad": 3,
    "figure.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 0.7,
    "legend.frameon": False,
}

ZOOM_S = 0.08
"""Length of the stretch that the overlay shows enlarged: some periods of a voice."""

SILENCE_SHARE = 0.03
"""Frames whose RMS is below this share of the loudest count as silence (-30 dB; the silence
threshold of Praat's pitch analysis)."""

SPECTROGRAM_WINDOW_S = 0.005
SPECTROGRAM_STEP_S = 0.002
DYNAMIC_RANGE_DB = 70.0
"""Praat's defaults for a broad-band spectrogram: Gaussian window, 70 dB, +6 dB per octave."""


class Panel(NamedTuple):
    """One layer, or one channel of the output: ``series`` is ``[n, length]`` at ``rate_hz``."""

    layer: str
    title: str
    rate_hz: float
    nyquist_hz: float
    series: np.ndarray

    def times_s(self) -> np.ndarray:
        """Middles of the samples in s, ``[length]``."""
        return (np.arange(self.series.shape[-1]) + 0.5) / self.rate_hz

    def heading(self) -> str:
        """Title with the layer's rate and Nyquist frequency."""
        return f"{self.title}  ({self.rate_hz:g} Hz, Nyquist {self.nyquist_hz:g} Hz)"


def draw_probe_figures(out_dir: str | Path, max_outputs: int = 4) -> list[Path]:
    """Draw the figures of a probe run into ``out_dir/figures``.

    For each of the first outputs: ``layers_0000.png`` (every averaged layer), ``overlay_0000.png``
    (the last two layers, scaled, over the output; Beguš & Zhou 2022, Figs. 4-5) and
    ``spectrograms_0000.png`` (the output above the last layer, up to the Nyquist frequency of that
    layer; Fig. 8). Of an output with several channels the overlay shows the first. The overlay and
    the spectrograms need the output and one other layer, and are left out where ``--layers`` did.

    Args:
        out_dir: the run, with config.json, series.npz and, for the voiced intervals,
            measurements.csv.
        max_outputs: outputs to draw, from the first on.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json or series.npz.
    """
    out_dir = Path(out_dir)
    config, panels = _read_run(out_dir)
    intervals = _read_intervals(out_dir / "measurements.csv")
    (out_dir / "figures").mkdir(exist_ok=True)
    duration_s = config["slice_len"] / config["sample_rate_hz"]
    paths = []
    with matplotlib.rc_context(STYLE):
        for i in range(min(max_outputs, len(panels[0].series))):
            figures = {"layers": _draw_layers(panels, i, duration_s, intervals.get(i, []))}
            out = [panel for panel in panels if panel.layer == "out"]
            others = [panel for panel in panels if panel.layer != "out"]
            if out and others:
                figures["overlay"] = _draw_overlay(out[0], others[-2:], i, duration_s)
                figures["spectrograms"] = _draw_spectrograms([*out, others[-1]], i, duration_s)
            for kind, figure in figures.items():
                paths.append(_save(figure, out_dir / "figures" / f"{kind}_{i:04d}.png"))
    return paths


def draw_interpolation_figure(out_dir: str | Path) -> Path:
    """Draw ``figures/interpolation.png``: a panel per layer, a line per step (Figs. 9-10).

    All series are upsampled linearly to the length of the output. Within a panel the lines are
    drawn from the strongest to the weakest (RMS), so that none is hidden. The time axis is cut
    where only silence follows: 50 ms after the last 10 ms frame whose RMS, in any step of the
    output, is at least 3 % of the loudest frame's.

    Args:
        out_dir: a run of interpolate.py, with config.json and series.npz.

    Returns:
        The path written.

    Raises:
        InputError: ``out_dir`` has no config.json or series.npz, or is no interpolation.
    """
    out_dir = Path(out_dir)
    config, panels = _read_run(out_dir)
    if "vary" not in config:
        raise InputError(
            f"{out_dir}: config.json has no 'vary', so this is no run of interpolate.py; probe "
            "runs have figures of their own"
        )
    (out_dir / "figures").mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure = _draw_interpolation(panels, config)
        return _save(figure, out_dir / "figures" / "interpolation.png")


def layers_png(layers, arrays: dict[str, np.ndarray], title: str) -> bytes:
    """Draw every averaged layer of one output for the screen, as ``layers_0000.png`` does.

    Args:
        layers: of the model, in order, each with its ``name``, ``rate_hz`` and ``nyquist_hz``.
        arrays: series by layer, ``[1, length]``; ``out`` of several channels
            ``[1, length, channels]``.
        title: of the figure.

    Returns:
        The PNG, 700 pixels wide.
    """
    panels = _make_panels([(x.name, x.rate_hz, x.nyquist_hz) for x in layers], arrays)
    duration_s = panels[-1].series.shape[-1] / panels[-1].rate_hz
    png = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure = _draw_layers(panels, 0, duration_s, [])
        figure.suptitle(title)
        _save(figure, png, SCREEN_DPI)
    return png.getvalue()


def _read_run(out_dir):
    """Read config.json and series.npz: the configuration and a list of panels in layer order."""
    for name in ("config.json", "series.npz"):
        if not (out_dir / name).is_file():
            raise InputError(
                f"{out_dir}: has no {name}, so there is nothing to draw; give the output "
                "directory of probe.py or interpolate.py"
            )
    config, arrays = read_json(out_dir / "config.json"), read_npz(out_dir / "series.npz")
    layers = [(layer["name"], layer["rate_hz"], layer["nyquist_hz"]) for layer in config["layers"]]
    panels = _make_panels(layers, arrays)
    if not panels:
        raise InputError(f"{out_dir}: series.npz holds none of the layers in config.json")
    return config, panels


def _make_panels(layers, arrays):
    """Make a panel of each layer (name, rate, Nyquist) with a series; of each channel of out."""
    panels = []
    for name, *rates in layers:
        if name not in arrays:
            continue
        if arrays[name].ndim == 2:
            panels.append(Panel(name, name.capitalize(), *rates, arrays[name]))
        else:  # [n, length, channels]
            for c in range(arrays[name].shape[-1]):
                title = f"{name.capitalize()}, channel {c + 1}"
                panels.append(Panel(name, title, *rates, arrays[name][:, :, c]))
    return panels


def _read_intervals(path):
    """Find the voiced intervals again from the points measured in them.

    Point k of N stands at start + (k - 0.5) / N * duration, so two points or more give both ends.

    Returns:
        A dict from id to a list of (start, end) in s; empty without the file.
    """
    if not path.is_file():
        return {}
    times_s = {}
    for row in read_csv(path):
        times_s.setdefault(row["id"], {}).setdefault(row["interval"], set()).add(row["time_s"])
    intervals = {}
    for output, places in times_s.items():
        for points in places.values():
            if len(points) > 1:
                half_step_s = (max(points) - min(points)) / (len(points) - 1) / 2
                interval = (min(points) - half_step_s, max(points) + half_step_s)
                intervals.setdefault(output, []).append(interval)
    return intervals


def _save(figure, path, dpi=DPI):
    """Write a PNG without a date or version in it; return the path."""
    figure.savefig(path, dpi=dpi, metadata={"Software": None})
    return path


def _peak(series):
    """Largest absolute value of the finite samples, 0 if there is none."""
    return float(np.max(np.abs(series), initial=0, where=np.isfinite(series)))


def _draw_layers(panels, i, duration_s, intervals):
    """One panel per layer of output ``i`` on a common time axis, voiced intervals shaded."""
    figure = Figure(figsize=(WIDTH_IN, 0.7 + 1.15 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        for start_s, end_s in intervals:
            axis.axvspan(start_s, end_s, color=SKY, alpha=0.25, linewidth=0, zorder=0)
        colour = "black" if panel.layer == "out" else BLUE
        axis.plot(panel.times_s(), panel.series[i], color=colour)
        axis.set_title(panel.heading())
        axis.margins(y=0.08)
    shaded = "; shaded: voiced intervals of the output" if intervals else ""
    axes[-1].set(xlim=(0, duration_s), xlabel=f"Time (s){shaded}")
    figure.supylabel("Mean activation (Out: amplitude)", fontsize=8)
    figure.suptitle(f"Output {i}: averages over the feature maps of each layer")
    return figure


def _draw_overlay(out, others, i, duration_s):
    """The output under its last layers, scaled to its peak; whole, and enlarged where loudest."""
    figure = Figure(figsize=(WIDTH_IN, 4.4), layout="constrained")
    axes = figure.subplots(2)
    lines = [(out, 1.0, out.title, GREY)]
    for panel, colour in zip(reversed(others), (ORANGE, BLUE), strict=False):
        peak = _peak(panel.series[i])
        factor = _peak(out.series[i]) / peak if peak else 0.0
        factor = factor or 1.0  # a silent output or layer is drawn as it is
        lines.append((panel, factor, f"{panel.title} × {factor:.3g}", colour))
    start_s = _loudest_s(out.series[i], out.rate_hz)
    for axis, width, alpha in zip(axes, (0.5, 1.0), (0.75, 1), strict=True):
        for panel, factor, label, colour in lines:
            axis.plot(
                panel.times_s(),
                factor * panel.series[i],
                color=colour,
                linewidth=width,
                alpha=alpha,
                label=label,
            )
        axis.set_ylabel("Amplitude (scaled)")
    axes[0].axvspan(start_s, start_s + ZOOM_S, color=SKY, alpha=0.3, linewidth=0, zorder=0)
    axes[0].set(xlim=(0, duration_s), title="Whole output; shaded: the stretch enlarged below")
    axes[1].set(
        xlim=(start_s, start_s + ZOOM_S),
        xlabel="Time (s)",
        title=f"The loudest {1000 * ZOOM_S:g} ms",
    )
    axes[1].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(lines), borderaxespad=0)
    figure.suptitle(f"Output {i}: averaged layers, each scaled to the peak of the output")
    return figure


def _loudest_s(series, rate_hz):
    """Start of the stretch of ``ZOOM_S`` with the most energy, in s; 0 in silence."""
    n = min(len(series), max(1, round(ZOOM_S * rate_hz)))
    energy = np.concatenate([[0.0], np.cumsum(np.nan_to_num(series.astype(np.float64)) ** 2)])
    return int(np.argmax(energy[n:] - energy[:-n])) / rate_hz


def _draw_spectrograms(panels, i, duration_s):
    """Spectrograms, one below the other, all up to the Nyquist frequency of the last panel."""
    top_hz = panels[-1].nyquist_hz
    figure = Figure(figsize=(WIDTH_IN, 0.8 + 1.9 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
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
    axes[-1].set(xlim=(0, duration_s), xlabel="Time (s)")
    figure.colorbar(image, ax=axes, label="Level (dB re maximum of the panel)", pad=0.02)
    figure.suptitle(f"Output {i}: spectrograms (5 ms Gaussian window, +6 dB per octave)")
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
    n = max(8, round(2 * SPECTROGRAM_WINDOW_S * rate_hz))
    hop = max(1, round(SPECTROGRAM_STEP_S * rate_hz))
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


def _draw_interpolation(panels, config):
    """A panel per layer, a line per step, coloured by the value of the latent."""
    rate_hz, length = config["sample_rate_hz"], config["slice_len"]
    name, values = config["vary"]["name"], np.asarray(config["vary"]["values"], float)
    end_s = _silence_from_s([panel for panel in panels if panel.layer == "out"], length / rate_hz)
    stop = min(length, int(np.ceil(end_s * rate_hz)))
    times_s = (np.arange(stop) + 0.5) / rate_hz
    # viridis without its palest end, which is lost on white paper
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, 256))
    colours = LinearSegmentedColormap.from_list("steps", colours)
    norm = Normalize(values.min(), values.max() if np.ptp(values) else values.min() + 1)
    figure = Figure(figsize=(WIDTH_IN, 0.7 + 1.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    width = 0.6 if len(values) <= 15 else 0.4
    for axis, panel in zip(axes, panels, strict=True):
        sounds = upsample_linear(panel.series, length)[:, :stop]
        strength = np.mean(np.nan_to_num(sounds) ** 2, axis=-1)
        for step in np.argsort(-strength, kind="stable"):
            axis.plot(times_s, sounds[step], color=colours(norm(values[step])), linewidth=width)
        axis.set_title(panel.heading())
        axis.margins(y=0.05)
    axes[-1].set(xlim=(0, end_s), xlabel="Time (s)")
    ticks = values if len(values) <= 11 and np.ptp(values) else None
    mappable = ScalarMappable(norm, colours)
    aspect = 6 * figure.get_figheight()  # a bar of one width, however tall
    figure.colorbar(mappable, ax=axes, label=name, aspect=aspect, pad=0.02, ticks=ticks)
    figure.supylabel("Mean activation (Out: amplitude)", fontsize=8)
    figure.suptitle(f"Averaged layers while {name} changes, all else frozen")
    return figure


def _silence_from_s(out, duration_s):
    """Time after which every step of the output is silent, in s; the end without an output."""
    if not out:
        return duration_s
    rate_hz = out[0].rate_hz
    sound = np.nan_to_num(np.stack([panel.series for panel in out]))  # [channels, n, length]
    frame = max(1, round(0.01 * rate_hz))
    count = sound.shape[-1] // frame
    frames = sound[..., : count * frame].reshape(*sound.shape[:2], count, frame)
    rms = np.sqrt(np.mean(frames**2, axis=-1)).max(axis=(0, 1))  # [frames]
    if not rms.max():
        return duration_s
    last = np.flatnonzero(rms >= SILENCE_SHARE * rms.max())[-1]
    return min(duration_s, (last + 1) * frame / rate_hz + 0.05)
