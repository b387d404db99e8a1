"""Figures of tools/feature_maps: profiles by cluster, the first output, changes, selectivity."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from wavegan_tf.errors import InputError
from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    HEIGHT_IN,
    ORANGE,
    TINY_PT,
    WIDTH_IN,
    above_right,
    save_all,
    stacked,
)
from wavegan_tf.report.reading import Run, distinct, layer_title, open_run, read_rows
from wavegan_tf.report.tables import read_npz

COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933", "#000000")
"""Of clusters 1, 2, ..; from the ninth on again."""

SMOOTHED_S = 0.01
"""Profiles and maps are drawn as moving averages: a map at its own rate fills what lies below its
envelope, and hides others."""

FOUND = ("prefers", "avoids")
"""Verdicts of selectivity.csv that are marked."""

NAMED_MAPS = 80
"""Up to so many maps each has its number in the figures."""


def draw_feature_map_figures(out_dir: str | Path) -> list[Path]:
    """Draw the figures of a run of tools/feature_maps from its files.

    Args:
        out_dir: its directory.

    Returns:
        The files written to ``figures/``.

    Raises:
        InputError: the directory is none of such a run.
    """
    run = open_run(out_dir)
    if not (run.directory / "profiles.npz").is_file():
        raise InputError(
            f"{out_dir}: has no profiles.npz; give the output directory of tools.feature_maps"
        )
    maps = read_rows(
        run.directory / "maps.csv",
        "layer verdict",
        "map cluster dead mean distance distance_lower distance_upper",
    )
    selective = read_rows(
        run.directory / "selectivity.csv", "label verdict", "map index beyond n_bases"
    )
    first = read_npz(run.directory / "first_output.npz")
    arrays = read_npz(run.directory / "profiles.npz")
    num_stable = run.config["flags"]["num_stable"]

    def drawn():
        yield "profiles", draw_profiles(run, arrays["extremes"], maps)
        yield "first_output", draw_first_output(run, first)
        yield "changes", draw_changes(run, maps)
        yield "stable", draw_maps_over_values(run, first["maps"], maps, num_stable)
        yield "selectivity", draw_selectivity(run, selective, maps)

    return save_all(run.directory, drawn())


def _colour(cluster):
    return COLOURS[(int(cluster) - 1) % len(COLOURS)] if cluster else GREY


def _smooth(series, run):
    """Moving average over :data:`SMOOTHED_S` of ``[.., length]``, and what the y-axis shows.

    Of a layer whose samples last longer, the series as it is.
    """
    size = max(1, round(SMOOTHED_S * series.shape[-1] / run.duration_s))
    smoothed = uniform_filter1d(series.astype(np.float64), size, axis=-1, mode="nearest")
    how = f" (moving average over {1000 * SMOOTHED_S:g} ms)" if size > 1 else ""
    return smoothed, f"Activation{how}"


def _times_s(length, run):
    return (np.arange(length) + 0.5) / length * run.duration_s


def _vary(run):
    """The variable, its values and each as text."""
    sweep = run.config["vary"][0]
    return sweep["name"], sweep["values"], [f"{sweep['name']} = {x:g}" for x in sweep["values"]]


def draw_profiles(run: Run, profiles: np.ndarray, maps: list[dict]) -> Figure:
    """A panel per cluster: the profile of each of its maps, and their mean (Fig. 11).

    Args:
        run: the run.
        profiles: averages over the outputs at both extremes, ``[maps, length]``.
        maps: rows of maps.csv.
    """
    clusters = sorted({int(row["cluster"]) for row in maps} - {0})
    profiles, shown = _smooth(profiles, run)
    figure, axes = stacked(len(clusters), 2.0, sharex=True, sharey=True)
    times_s = _times_s(profiles.shape[1], run)
    for axis, cluster in zip(axes, clusters, strict=True):
        here = profiles[[row["cluster"] == cluster for row in maps]]
        faint = min(1.0, max(0.15, 4 / len(here)))
        axis.plot(times_s, here.T, color=_colour(cluster), linewidth=0.4, alpha=faint)
        axis.plot(times_s, here.mean(axis=0), color="black", linewidth=0.8)
        number = f"{len(here)} map{'s' if len(here) > 1 else ''}"
        axis.set_title(f"Cluster {cluster}: {number}; black: their mean")
    axes[0].set_ylim(bottom=0)
    axes[-1].set(xlim=(0, run.duration_s), xlabel="Time (s)")
    figure.supylabel(shown, fontsize=8)
    name, values, _ = _vary(run)
    dead = sum(int(row["dead"]) for row in maps)
    left_out = f"; {dead} dead maps left out" if dead else ""
    n = run.config["n_bases"]
    figure.suptitle(
        f"{layer_title(run.config['layer'])}: feature maps averaged over 2 × {n} outputs, {name} "
        f"at {values[0]:g} and {values[-1]:g}{left_out}"
    )
    return figure


def draw_first_output(run: Run, first: dict[str, np.ndarray]) -> Figure:
    """The first output and, below it, the averages of the clusters, at both extremes (Fig. 12).

    Args:
        run: the run.
        first: the arrays of first_output.npz.
    """
    averages, out = first["clusters"], first["out"]
    rows = 1 + averages.shape[1]
    height_in = min(1.3, (HEIGHT_IN - 0.7) / rows)
    figure = Figure(figsize=(WIDTH_IN, 0.7 + height_in * rows), layout="constrained")
    axes = figure.subplots(rows, 2, sharex=True, sharey="row")
    _, _, titles = _vary(run)
    for column, value in ((0, 0), (1, -1)):
        axis = axes[0, column]
        sound = out[value].reshape(out.shape[1], -1)[:, 0]
        axis.plot(_times_s(len(sound), run), sound, color="black", linewidth=0.4)
        axis.set_title(f"Out, {titles[value]}")
        for cluster in range(1, rows):
            axis, series = axes[cluster, column], averages[value, cluster - 1]
            axis.plot(_times_s(len(series), run), series, color=_colour(cluster), linewidth=0.5)
            axis.set_title(f"Cluster {cluster}")
        axes[-1, column].set(xlim=(0, run.duration_s), xlabel="Time (s)")
    figure.supylabel("Mean activation (Out: amplitude)", fontsize=8)
    layer = layer_title(run.config["layer"])
    figure.suptitle(f"First output: averages of the clusters of {layer} beside Out")
    return figure


def draw_changes(run: Run, maps: list[dict]) -> Figure:
    """How far the course of each map moves from the first value, in order, with intervals.

    Args:
        run: the run.
        maps: rows of maps.csv.
    """
    known = sorted(
        (row for row in maps if np.isfinite(row["distance"])), key=lambda row: row["distance"]
    )
    figure, (axis,) = stacked(1, 2.4)
    small = len(known) > NAMED_MAPS
    clusters = sorted({int(row["cluster"]) for row in known})
    coloured = len(clusters) <= len(COLOURS)
    for cluster in clusters:
        here = [(i, row) for i, row in enumerate(known) if row["cluster"] == cluster]
        places = [i for i, _ in here]
        ends = np.array([[row["distance_lower"], row["distance_upper"]] for _, row in here]).T
        colour = _colour(cluster) if coloured else BLUE
        axis.vlines(places, *ends, color=colour, linewidth=0.5 if small else 1)
        axis.plot(
            places, [row["distance"] for _, row in here], "o", color=colour,
            markersize=1.5 if small else 3, label=f"cluster {cluster}",
        )  # fmt: skip
    axis.set(xlim=(-0.7, len(known) - 0.3), ylabel="Cosine distance")
    axis.set_ylim(bottom=0)
    if small:
        axis.set_xlabel(f"{len(known)} maps, in order of their distance")
    else:
        axis.set_xticks(range(len(known)), [f"{row['map']:.0f}" for row in known])
        axis.tick_params(axis="x", labelsize=TINY_PT if len(known) <= 45 else 4)
        axis.set_xlabel("Feature map")
    if coloured:
        above_right(axis, ncols=len(clusters), columnspacing=0.8, handletextpad=0.1)
    name, values, _ = _vary(run)
    others = "the other values" if len(values) > 2 else f"{values[1]:g}"
    figure.suptitle(
        f"{layer_title(run.config['layer'])}: change of each map's course from {name} = "
        f"{values[0]:g} to {others}, with 95 % intervals"
    )
    return figure


def draw_maps_over_values(run: Run, first: np.ndarray, maps: list[dict], num_stable: int) -> Figure:
    """Maps of the first output at every value: those that change least and most (Fig. 13).

    Within a panel the lines are drawn from the strongest to the weakest, so that none is hidden.

    Args:
        run: the run.
        first: maps of the first base vector, ``[values, maps, length]``.
        maps: rows of maps.csv.
        num_stable: maps of either kind, fewer where the layer has fewer.
    """
    known = sorted(
        (row for row in maps if np.isfinite(row["distance"])), key=lambda row: row["distance"]
    )
    rows = max(1, min(num_stable, len(known) // 2))
    height_in = min(1.2, (HEIGHT_IN - 1.0) / rows)
    figure = Figure(figsize=(WIDTH_IN, 1.0 + height_in * rows), layout="constrained")
    axes = figure.subplots(rows, 2, sharex=True, squeeze=False)
    times_s = _times_s(first.shape[2], run)
    smoothed, shown = _smooth(first, run)
    _, values, titles = _vary(run)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(values)))
    for column, some in ((0, known[:rows]), (1, known[::-1][:rows])):
        for axis, row in zip(axes[:, column], some, strict=True):
            here = smoothed[:, int(row["map"]) - 1]  # [values, length]
            for i in np.argsort(-(here**2).mean(axis=1), kind="stable"):
                axis.plot(times_s, here[i], color=colours[i], linewidth=0.5, label=titles[i])
            axis.set_ylim(bottom=0)
            axis.set_title(f"Map {row['map']:.0f} (mean distance {row['distance']:.3f})")
        axes[-1, column].set(xlim=(0, run.duration_s), xlabel="Time (s)")
    figure.supylabel(shown, fontsize=8)
    by_title = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    named = titles if len(titles) <= 6 else [titles[0], titles[len(titles) // 2], titles[-1]]
    legend = figure.legend(
        [by_title[title] for title in named], named, loc="outside lower center", ncols=len(named)
    )
    for line in legend.get_lines():
        line.set_linewidth(1.5)
    layer = layer_title(run.config["layer"])
    figure.suptitle(
        f"First output: maps of {layer} that change least (left) and most (right)\n"
        f"(cosine distance from {titles[0]}, mean over {run.config['n_bases']} latent vectors)"
    )
    return figure


def draw_selectivity(run: Run, rows: list[dict], maps: list[dict]) -> Figure:
    """Two heat maps, label × map: the index, and the index less that of shuffled intervals.

    Maps stand by cluster, within a cluster by their index in voiced intervals.

    Args:
        run: the run.
        rows: of selectivity.csv.
        maps: of maps.csv.
    """
    labels = distinct(rows, "label")
    cells = {(row["map"], row["label"]): row for row in rows}
    live = [row for row in maps if not row["dead"]]

    def place(row):
        index = cells[row["map"], labels[0]]["index"]
        return row["cluster"], -index if np.isfinite(index) else 2.0, row["map"]

    order = sorted(live, key=place)
    named = len(order) <= NAMED_MAPS
    figure = Figure(figsize=(WIDTH_IN, 3.6), layout="constrained")
    axes = figure.subplots(2, sharex=True)
    for axis, column, title in (
        (axes[0], "index", "Index: (inside − outside) / (inside + outside)"),
        (axes[1], "beyond", "The same, less the index with another output's intervals"),
    ):
        here = [[cells[row["map"], label] for row in order] for label in labels]
        values = [[x[column] if x["verdict"] != "too few" else np.nan for x in y] for y in here]
        picture = axis.imshow(
            np.ma.masked_invalid(values), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        axis.set_facecolor("#C8C8C8")
        axis.set_yticks(range(len(labels)), labels)
        axis.set_title(title)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        _part_clusters(axis, order)
        for y, cells_of_label in enumerate(here if named else []):
            found = [x for x, c in enumerate(cells_of_label) if c["verdict"] in FOUND]
            axis.plot(found, [y] * len(found), ".", color="black", markersize=2.5)
    figure.colorbar(picture, ax=list(axes), pad=0.01, aspect=25)
    axes[1].set_xticks([])
    if named:
        axes[1].set_xticks(range(len(order)), [f"{row['map']:.0f}" for row in order])
        axes[1].tick_params(axis="x", labelsize=TINY_PT if len(order) <= 45 else 4)
    dots = "; dot: prefers or avoids, beyond chance in both panels" if named else ""
    axes[1].set_xlabel(f"Feature map, by cluster{dots}; grey: too few")
    n = run.config["n_bases"]
    layer = layer_title(run.config["layer"])
    figure.suptitle(f"{layer}: in which intervals of Out maps fire, means over {n} latent vectors")
    return figure


def _part_clusters(axis, order):
    """A line between clusters."""
    for i in range(1, len(order)):
        if order[i]["cluster"] != order[i - 1]["cluster"]:
            axis.axvline(i - 0.5, color="black", linewidth=1)
