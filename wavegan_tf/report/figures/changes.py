"""Where in time, and at which frequencies, a latent variable changes each layer."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    HEIGHT_IN,
    ORANGE,
    SMALL_PT,
    TINY_PT,
    WIDTH_IN,
    say,
)
from wavegan_tf.report.figures.sweeps import Interpolation
from wavegan_tf.report.figures.waveforms import extremes
from wavegan_tf.report.reading import Panel, layer_title, read_rows
from wavegan_tf.report.tables import read_npz

HEAD = 1.48
"""Top of a panel, as a multiple of the largest change: two rows of numbers stand above that."""

SHARE_ROOM = 0.055
"""Room that the number of a region's share takes, as part of the time axis."""


def change_figures(interpolation: Interpolation) -> Iterator[tuple[str, Figure | None]]:
    """``change_z11`` for each sweep, from changes.npz, spikes.csv and bands.csv."""
    directory = interpolation.run.directory
    if not (directory / "changes.npz").is_file():
        return
    arrays = read_npz(directory / "changes.npz")
    spikes = read_rows(
        directory / "spikes.csv", "latent layer", "rank time_s start_s end_s share n_bases"
    )
    bands = read_rows(
        directory / "bands.csv", "latent layer", "low_hz high_hz change_db lower upper share"
    )
    for k, sweep in enumerate(interpolation.sweeps):
        figure = draw_change(
            interpolation,
            k,
            {name: arrays.get(f"{sweep.name}/{name}") for name in _layers(interpolation)},
            [row for row in spikes if row["latent"] == sweep.name],
            [row for row in bands if row["latent"] == sweep.name],
        )
        yield f"change_{sweep.name}", figure


def _layers(interpolation):
    return [x["name"] for x in interpolation.run.config["layers"]]


def draw_change(
    interpolation: Interpolation, k: int, changes: dict, spikes: list[dict], bands: list[dict]
) -> Figure | None:
    """A row per layer: its change over time with the regions of most, and its change by frequency.

    Args:
        interpolation: the run.
        k: the sweep.
        changes: by layer, ``[length]`` or None: mean over bases of the change per sample.
        spikes: rows of spikes.csv of this sweep.
        bands: rows of bands.csv of this sweep.

    Returns:
        The figure; None where no layer changed.
    """
    run, sweep = interpolation.run, interpolation.sweeps[k]
    rates = {x["name"]: (x["rate_hz"], x["nyquist_hz"]) for x in run.config["layers"]}
    changes = {name: x for name, x in changes.items() if x is not None}
    if not any(np.nan_to_num(x).any() for x in changes.values()):
        return None
    height_in = min(1.4, (HEIGHT_IN - 0.9) / len(changes))
    figure = Figure(figsize=(WIDTH_IN, 0.9 + height_in * len(changes)), layout="constrained")
    widths = {"width_ratios": [2.3, 1]}
    axes = figure.subplots(len(changes), 2, squeeze=False, sharex="col", gridspec_kw=widths)
    lowest = min((row["low_hz"] for row in bands if row["low_hz"] > 0), default=10.0)
    for (left, right), (name, change) in zip(axes, changes.items(), strict=True):
        panel = Panel(name, layer_title(name), *rates[name], change)
        _draw_time(left, panel, [row for row in spikes if row["layer"] == name], run.duration_s)
        left.set_title(panel.heading())
        _draw_bands(right, [row for row in bands if row["layer"] == name], lowest)
        for axis in (left, right):
            axis.tick_params(labelsize=TINY_PT)
            axis.locator_params(axis="y", nbins=4)
    axes[-1, 0].set(xlim=(0, run.duration_s), xlabel="Time (s)")
    axes[-1, 1].set_xscale("log")
    axes[-1, 1].xaxis.set_major_formatter("{x:g}")
    top_hz = max(high for _, high in rates.values())
    axes[-1, 1].set(xlim=(lowest / 2, top_hz), xlabel="Frequency (Hz); leftmost: from 0")
    figure.supylabel(f"Change per sample along {sweep.name} (sum of |differences|)", fontsize=8)
    ends = sweep.moved if sweep.name == "t" else f"with {sweep.moved}"
    ends = f"{ends}, {interpolation.mean_said(k)}"
    percent = f"{100 * interpolation.confidence:g} %"
    known = any(np.isfinite(row["lower"]) for row in bands)
    interval = f",\nwith its {percent} interval over bases (filled: excludes 0)" if known else ""
    figure.suptitle(
        f"Change {ends}\nleft, shaded: regions of most change and their share of the layer's; "
        f"right: level, last minus first value{interval};{' ' if known else chr(10)}"
        "above: the band with most of the change in power",
        fontsize=7.5,
    )
    return figure


def _draw_time(axis, panel, spikes, duration_s):
    """The change of a layer, its regions shaded, with their shares where there is room."""
    axis.plot(*extremes(panel, duration_s), color=BLUE, linewidth=0.6)
    top = float(np.nan_to_num(panel.series).max()) or 1.0
    axis.set_ylim(0, HEAD * top)
    if not np.nan_to_num(panel.series).any():
        say(axis, "no change")
    rows = ([], [])  # of numbers: the larger the share, the sooner it is written
    for spike in sorted(spikes, key=lambda row: -row["share"]):
        time_s = spike["time_s"]
        axis.axvspan(
            spike["start_s"], spike["end_s"], color=ORANGE, alpha=0.2, linewidth=0, zorder=0
        )
        axis.axvline(time_s, 0, 1 / HEAD, color=ORANGE, linewidth=0.5, zorder=1)
        for height, row in zip((1.02, 1.24), rows, strict=True):
            if all(abs(time_s - other_s) > SHARE_ROOM * duration_s for other_s in row):
                row.append(time_s)
                axis.text(
                    time_s, height * top, f"{100 * spike['share']:.0f} %", ha="center",
                    va="bottom", fontsize=TINY_PT, color="#8F3E00",
                ).set_in_layout(False)  # fmt: skip
                break


def _draw_bands(axis, rows, lowest_hz):
    """Change of each band's level with its interval; the band of most change in power named."""
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.set_ylabel("Level (dB)", fontsize=TINY_PT)
    rows = [row for row in rows if np.isfinite(row["change_db"])]
    if not rows:
        say(axis, "no value")
        axis.set_yticks([])
        return
    most = max(rows, key=lambda row: np.nan_to_num(row["share"]))
    ends = f"{most['low_hz']:.3g}–{most['high_hz']:.3g} Hz"
    axis.set_title(f"{ends}: {100 * most['share']:.0f} % of power", fontsize=SMALL_PT)
    for row in rows:
        low_hz = max(row["low_hz"], lowest_hz / 2)
        shown = row["lower"] > 0 or row["upper"] < 0
        colour = ORANGE if shown else BLUE
        axis.plot([low_hz, row["high_hz"]], [row["change_db"]] * 2, color=colour, linewidth=1.2)
        middle_hz = np.sqrt(low_hz * row["high_hz"])
        if np.isfinite(row["lower"]):
            ends = [row["lower"], row["upper"]]
            axis.plot([middle_hz, middle_hz], ends, color=colour, linewidth=0.6)
        face = colour if shown else "white"
        axis.plot(middle_hz, row["change_db"], "o", color=colour, mfc=face, markersize=2.5)
