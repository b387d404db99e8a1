"""Draw the figures of a run directory, from the files in it and from nothing else."""

import io
from pathlib import Path

import matplotlib
import numpy as np

from wavegan_tf.report import reading
from wavegan_tf.report.figures import contours, durations, encoding, interpolation, maps, waveforms
from wavegan_tf.report.figures.differences import draw_differences
from wavegan_tf.report.figures.feature_maps import draw_feature_map_figures
from wavegan_tf.report.figures.identification import draw_identification_figures
from wavegan_tf.report.figures.interventions import draw_intervention_figures
from wavegan_tf.report.figures.spectrograms import draw_spectrograms
from wavegan_tf.report.figures.style import SCREEN_DPI, STYLE, save_all, save_png
from wavegan_tf.report.figures.words import draw_words
from wavegan_tf.report.tables import read_npz, stream_csv

_OF_COMMANDS = {
    "identify": draw_identification_figures,
    "feature_maps": draw_feature_map_figures,
    "intervene": draw_intervention_figures,
}


def draw_figures(out_dir: str | Path, max_outputs: int = 4) -> list[Path]:
    """Draw every figure that the files of a run allow, whichever command wrote it.

    Args:
        out_dir: the run; its config.json names the command. The outputs of an interpolation are no
            independent draws and do not get the figures of :func:`draw_table_figures`.
        max_outputs: outputs, or bases of an interpolation, to draw one by one, from the first on.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json or series.npz, or a table lacks a column.
    """
    command = reading.open_run(out_dir).config.get("command")
    if command in _OF_COMMANDS:
        return _OF_COMMANDS[command](out_dir)
    if command == "interpolate":
        return draw_interpolation_figures(out_dir, max_outputs)
    return draw_probe_figures(out_dir, max_outputs)


def draw_probe_figures(out_dir: str | Path, max_outputs: int = 4) -> list[Path]:
    """Draw the figures of a probe run into ``out_dir/figures``, each as PNG and PDF.

    For each of the first outputs: ``layers_0000`` (every averaged layer), ``overlay_0000`` (the two
    layers of the highest rates, scaled, over the target; Beguš & Zhou 2022, Figs. 4-5),
    ``spectrograms_0000`` (the target above the layer of the highest rate, up to the Nyquist
    frequency of that layer; Fig. 8) and ``maps_0000`` (every feature map, from maps.npz; Fig. 3).
    Of a target with several channels the overlay shows the first. Overlay and spectrograms need the
    target and one other layer, and are left out where ``--layers`` did. Then the figures of
    :func:`draw_table_figures`.

    Args:
        out_dir: the run, with config.json and series.npz.
        max_outputs: outputs to draw one by one, from the first on.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json or series.npz, or a table lacks a column.
    """
    run = reading.open_run(out_dir)
    drawn = _output_figures(run, max_outputs)
    return save_all(run.directory, drawn) + draw_table_figures(out_dir)


def draw_interpolation_figures(out_dir: str | Path, max_outputs: int = 4) -> list[Path]:
    """Draw the figures of an interpolation into ``out_dir/figures``, each as PNG and PDF.

    For each sweep, here z11: ``interpolation_z11_base0000``, one for each of the first bases (every
    layer, a line per step; Beguš & Zhou 2022, Figs. 9-10); ``time_value_z11`` (level over time at
    each value); ``dose_response_z11`` and ``dose_response_z11_layers`` (measures against the value,
    responses.csv); ``effects_z11`` (effects.csv);
    ``change_z11`` (changes.npz, spikes.csv, bands.csv). Of a grid ``interactions``
    (interactions.csv). A figure without any value, or whose files are not there, is left out.

    Args:
        out_dir: a run of interpolate.py, with config.json and series.npz.
        max_outputs: bases to draw one by one, from the first on.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json or series.npz, is no interpolation or one that an
            older version wrote, or a table lacks a column.
    """
    run = reading.open_run(out_dir)
    return save_all(run.directory, interpolation.interpolation_figures(run, max_outputs))


def draw_table_figures(out_dir: str | Path) -> list[Path]:
    """Draw the figures of all outputs together, each as PNG and PDF.

    ``f0``, ``intensity``, ``f1``, ``f2``, ``hnr`` in normalised time (measurements.csv; Figs. 6-7);
    ``durations_LABEL`` (durations.csv, intervals.csv); ``encoding_LABEL`` (correlations.csv);
    ``words`` (words.npz); ``differences_LABEL_1``, one for each condition (differences.csv). Of a
    run with several channels the names end in ``_channel1`` .. . A figure without any value, or
    whose files are not there, is left out.

    Args:
        out_dir: the run, with config.json.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json, or a table lacks a column.
    """
    run = reading.open_run(out_dir)
    kinds = (_contour_figures, _duration_figures, _encoding_figures, _word_figures)
    return [
        path
        for kind in (*kinds, _difference_figures)
        for path in save_all(run.directory, kind(run))
    ]  # fmt: skip


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
    panels = reading.make_panels([(x.name, x.rate_hz, x.nyquist_hz) for x in layers], arrays)
    duration_s = panels[-1].series.shape[-1] / panels[-1].rate_hz
    png = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure = waveforms.draw_layers(panels, 0, duration_s, {}, "out", title)
        figure.suptitle(title)
        save_png(figure, png, SCREEN_DPI)
    return png.getvalue()


def _output_figures(run, max_outputs):
    """Figures of the first outputs, one by one."""
    panels = run.panels(max_outputs)
    intervals, titles = read_intervals(run, max_outputs), _read_titles(run, max_outputs)
    target = [panel for panel in panels if panel.layer == run.target]
    others = [panel for panel in panels if panel.layer != run.target]
    fastest = sorted(others, key=lambda panel: panel.rate_hz)[-2:]
    raw = run.directory / "maps.npz"
    feature_maps = read_npz(raw, max_outputs) if raw.is_file() else {}
    feature_maps = {name: x for name, x in feature_maps.items() if name in run.layers}
    for i in range(len(panels[0].series)):
        here, name = intervals.get(i, {}), titles.get(i, f"Output {i}")
        at = (i, run.duration_s)
        layers = waveforms.draw_layers(panels, *at, here, run.target, name, run.reduce)
        yield f"layers_{i:04d}", layers
        if target and fastest:
            first = here.get(1, [])
            overlay = waveforms.draw_overlay(target[0], fastest, *at, first, name)
            yield f"overlay_{i:04d}", overlay
            pictures = draw_spectrograms([*target, fastest[-1]], *at, here, name)
            yield f"spectrograms_{i:04d}", pictures
        if feature_maps and i < min(map(len, feature_maps.values())):
            yield f"maps_{i:04d}", maps.draw_maps(run, feature_maps, i, name)


def _read_titles(run, count):
    """What the figures of the first recordings are called; nothing for generated outputs."""
    if run.config.get("network", "generator") == "generator":
        return {}
    rows = stream_csv(run.directory / "outputs.csv", ("id", "name"))
    return {int(i): f"Recording {i} ({name})" for i, name in rows if int(i) < count}


def read_intervals(run: reading.Run, count: int) -> dict:
    """Read the target's intervals of the first outputs from intervals.csv.

    Returns:
        A dict from id to channel to a list of (label, start_s, end_s).
    """
    intervals = {}
    columns = ("measure", "layer", "id", "channel", "label", "start_s", "end_s")
    for measure, layer, *row in stream_csv(run.directory / "intervals.csv", columns):
        if measure == "duration" and layer == run.target and int(row[0]) < count:
            output, channel, label, start_s, end_s = row
            here = intervals.setdefault(int(output), {}).setdefault(int(channel), [])
            here.append((label, float(start_s), float(end_s)))
    return intervals


def _contour_figures(run):
    found, units, points = contours.read_contours(run)
    channels = list(dict.fromkeys(channel for channel, _ in found))
    for (channel, measure), layers in found.items():
        name = measure + reading.channel_suffix(channel, channels)
        figure = contours.draw_contours(run, layers, measure, units[measure], points)
        yield name, _name_channel(figure, channel, channels)


def _duration_figures(run):
    rows = reading.read_durations(run)
    pairs = durations.read_duration_pairs(run) if rows else {}
    channels = reading.distinct(rows, "channel")
    for (channel, label), here in reading.grouped(rows).items():
        models = {row["layer"]: row for row in here}
        name = f"durations_{label}{reading.channel_suffix(channel, channels)}"
        drawn = durations.draw_durations(run, label, models, pairs.get((channel, label), {}))
        yield name, _name_channel(drawn, channel, channels)


def _encoding_figures(run):
    rows = reading.read_correlations(run)
    channels = reading.distinct(rows, "channel")
    for (channel, label), here in reading.grouped(rows).items():
        name = f"encoding_{label}{reading.channel_suffix(channel, channels)}"
        yield name, _name_channel(encoding.draw_encoding(run, label, here), channel, channels)


def _word_figures(run):
    path = run.directory / "words.npz"
    if path.is_file():
        yield "words", draw_words(run, read_npz(path))


def _difference_figures(run):
    keys = ("channel", "label", "condition", "reference")
    rows = reading.read_differences(run)
    channels = reading.distinct(rows, "channel")
    pairs = list(dict.fromkeys((row["condition"], row["reference"]) for row in rows))
    for channel, label, *pair in dict.fromkeys(tuple(row[k] for k in keys) for row in rows):
        here = [row for row in rows if [row[k] for k in keys] == [channel, label, *pair]]
        number = pairs.index(tuple(pair)) + 1
        suffix = reading.channel_suffix(channel, channels)
        figure = _name_channel(draw_differences(run, label, here), channel, channels)
        yield f"differences_{label}_{number}{suffix}", figure


def _name_channel(figure, channel, channels):
    """Add the channel to a figure's title, where there are several."""
    if figure is not None and len(channels) > 1:
        figure.suptitle(f"Channel {channel}. {figure.get_suptitle()}")
    return figure
