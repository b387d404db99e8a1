"""Figures of feature_maps: profiles by cluster, the first output, changes, selectivity."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from wavegan_tf.output import style
from wavegan_tf.output.names import duration_s, layer_title, times_s
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import BLUE, ORANGE, TINY_PT, grid

COLOURS = (BLUE, ORANGE, style.GREEN, style.PINK, style.AMBER, style.SKY, "#999933", "#000000")
"""Colours of clusters 1, 2, ..; from the ninth on again."""

SMOOTHED_S = 0.01
"""Profiles and maps are drawn as moving averages: a map at its own rate fills what lies below its
envelope, and hides others."""

NAMED_MAPS = 80
"""Up to so many maps each has its number in the figures."""


def _colour(cluster: Any) -> str:
    return COLOURS[(int(cluster) - 1) % len(COLOURS)]


def _smooth(series: np.ndarray, result: Run) -> tuple[np.ndarray, str]:
    """Averages ``[.., length]`` over :data:`SMOOTHED_S` if samples are shorter; names the axis."""
    size = max(1, round(SMOOTHED_S * series.shape[-1] / duration_s(result)))
    smoothed = uniform_filter1d(series.astype(np.float64), size, axis=-1, mode="nearest")
    how = f" (moving average over {1000 * SMOOTHED_S:g} ms)" if size > 1 else ""
    return smoothed, f"Activation, scaled{how}"


def _values(result: Run) -> tuple[str, list[float], list[str]]:
    """Reads the variable, its values and each as text."""
    name, values = (result.settings["vary"][0][key] for key in ("name", "values"))
    return name, values, [f"{name} = {x:g}" for x in values]


def by_distance(result: Run) -> pd.DataFrame:
    """Sorts the maps that have a distance from the one that changes least."""
    return result.table("maps").dropna(subset="distance").sort_values("distance", kind="stable")


def _number_maps(axis: Any, numbers: Any) -> None:
    size = TINY_PT if len(numbers) <= 45 else 4
    axis.set_xticks(range(len(numbers)), [f"{number}" for number in numbers], fontsize=size)


def draw_profiles(result: Run) -> Figure:
    """Draws a panel per cluster: the profile of each of its maps, and their mean (Fig. 11)."""
    maps = result.table("maps")
    clusters = sorted(set(maps["cluster"]) - {0})
    profiles, shown = _smooth(result.arrays["profiles"]["extremes"], result)
    figure, axes, _ = grid(len(clusters), 1, 2.0, sharex=True, sharey=True)
    at_s = times_s(result, profiles.shape[1])
    for axis, cluster in zip(axes, clusters, strict=True):
        here = profiles[maps["cluster"] == cluster]
        faint = min(1.0, max(0.15, 4 / len(here)))
        axis.plot(at_s, here.T, color=_colour(cluster), linewidth=0.4, alpha=faint)
        axis.plot(at_s, here.mean(axis=0), color="black", linewidth=0.8)
        axis.set_title(f"Cluster {cluster} (maps: {len(here)}; black: their mean)")
    axes[0].set_ylim(bottom=0)
    axes[-1].set(xlim=(0, duration_s(result)), xlabel="Time (s)")
    figure.supylabel(shown)
    name, values, _ = _values(result)
    dead = maps["dead"].sum()
    figure.suptitle(
        f"{layer_title(result.settings['layer'])}: feature maps averaged over 2 × "
        f"{result.settings['n_bases']} outputs, {name} at {values[0]:g} and {values[-1]:g}"
        f"{f'; dead maps left out: {dead}' if dead else ''}"
    )
    return figure


def draw_first_output(result: Run) -> Figure:
    """Draws the first output above the averages of the clusters, at both extremes (Fig. 12)."""
    first = result.arrays["first_output"]
    averages, out = first["clusters"], first["out"]
    figure, axes, _ = grid(2 + 2 * averages.shape[1], 2, 1.3, sharex=True, sharey="row")
    titles = _values(result)[2]
    for column, value in ((axes[::2], 0), (axes[1::2], -1)):
        top, *rest = column
        sound = out[value, :, 0]
        top.plot(times_s(result, len(sound)), sound, color="black", linewidth=0.4)
        top.set_title(f"Out, {titles[value]}")
        for cluster, (axis, series) in enumerate(zip(rest, averages[value], strict=True), start=1):
            axis.plot(times_s(result, len(series)), series, color=_colour(cluster), linewidth=0.5)
            axis.set_title(f"Cluster {cluster}")
        column[-1].set(xlim=(0, duration_s(result)), xlabel="Time (s)")
    figure.supylabel("Mean activation, scaled (Out: amplitude)")
    layer = layer_title(result.settings["layer"])
    figure.suptitle(f"First output: averages of the clusters of {layer} beside Out")
    return figure


def draw_changes(result: Run) -> Figure:
    """Draws how far the course of each map moves from the first value, in order."""
    known = by_distance(result).reset_index(drop=True)
    figure, (axis,), _ = grid(1, 1, 2.4)
    small = len(known) > NAMED_MAPS
    for cluster, rows in known.groupby("cluster"):
        look: dict[str, Any] = {"color": _colour(cluster)}
        ends = rows["distance_low"], rows["distance_high"]
        axis.vlines(rows.index, *ends, linewidth=0.5 if small else 1, **look)
        look |= {"markersize": 1.5 if small else 3, "label": f"cluster {cluster}"}
        axis.plot(rows.index, rows["distance"], "o", **look)
    axis.set(xlim=(-0.7, len(known) - 0.3), ylabel="Cosine distance")
    axis.set_ylim(bottom=0)
    if small:
        axis.set_xlabel(f"{len(known)} maps, in order of their distance")
    else:
        _number_maps(axis, known["map"])
        axis.set_xlabel("Feature map")
    n_clusters = known["cluster"].nunique()
    if n_clusters <= len(COLOURS):
        style.above_right(axis, ncols=n_clusters, columnspacing=0.8, handletextpad=0.1)
    figure.suptitle(
        f"{layer_title(result.settings['layer'])}: change of each map's course from "
        f"{_values(result)[2][0]}, with intervals over latent vectors"
    )
    return figure


def draw_maps_over_values(result: Run) -> Figure:
    """Draws maps of the first output at every value: those that change least and most (Fig. 13).

    Within a panel the lines are drawn from the strongest to the weakest, so that none is hidden.
    """
    first, known = result.arrays["first_output"]["maps"], by_distance(result)
    rows = max(1, min(result.settings["num_stable"], len(known) // 2))
    figure, axes, _ = grid(2 * rows, 2, 1.2, 1.0, sharex=True)
    at_s = times_s(result, first.shape[2])
    smoothed, shown = _smooth(first, result)
    _, values, titles = _values(result)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(values)))
    for column, some in ((axes[::2], known[:rows]), (axes[1::2], known[::-1][:rows])):
        for axis, row in zip(column, some.to_dict("records"), strict=True):
            here = smoothed[:, row["map"] - 1]  # [values, length]
            for i in np.argsort(-(here**2).mean(axis=1), kind="stable"):
                axis.plot(at_s, here[i], color=colours[i], linewidth=0.5, label=titles[i])
            axis.set_ylim(bottom=0)
            axis.set_title(f"Map {row['map']} (mean distance {row['distance']:.3f})")
        column[-1].set(xlim=(0, duration_s(result)), xlabel="Time (s)")
    figure.supylabel(shown)
    by_title = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    named = titles if len(titles) <= 6 else [titles[0], titles[len(titles) // 2], titles[-1]]
    lines = [by_title[title] for title in named]
    legend = figure.legend(lines, named, loc="outside lower center", ncols=len(named))
    for line in legend.get_lines():
        line.set_linewidth(1.5)
    figure.suptitle(
        f"First output: maps of {layer_title(result.settings['layer'])} that change least (left) "
        f"and most (right)\n(cosine distance from {titles[0]}, mean over "
        f"{result.settings['n_bases']} latent vectors)"
    )
    return figure


def draw_selectivity(result: Run) -> Figure:
    """Draws two heat maps, label × map: the index, and the index less that of shuffled intervals.

    Maps stand by cluster, within a cluster by their index in voiced intervals.
    """
    table, maps = result.table("selectivity"), result.table("maps").set_index("map")
    labels = list(table["label"].unique())
    index = table.pivot(index="map", columns="label", values="estimate")[labels]
    order = maps[~maps["dead"]].assign(place=-index[labels[0]].fillna(-2.0))
    order = order.sort_values(["cluster", "place"], kind="stable")
    figure, axes, _ = grid(2, 1, 1.45, sharex=True)
    named = len(order) <= NAMED_MAPS

    def cells(column: str) -> np.ndarray:
        values = table.pivot(index="label", columns="map", values=column)
        return values.reindex(index=labels, columns=order.index).to_numpy()

    verdicts = cells("verdict")
    for axis, column, title in (
        (axes[0], "estimate", "Index: (inside − outside) / (inside + outside)"),
        (axes[1], "beyond", "The same, minus the index with another output's intervals"),
    ):
        values = cells(column)
        picture = style.heat(axis, np.where(verdicts == "too few", np.nan, values), -1, 1)
        axis.set_facecolor("#C8C8C8")
        axis.set_yticks(range(len(labels)), labels)
        axis.set_title(title)
        for i in np.flatnonzero(np.diff(order["cluster"])):
            axis.axvline(i + 0.5, color="black", linewidth=1)  # between clusters
        if named:
            y, x = np.nonzero(np.isin(verdicts, ("prefers", "avoids")))
            axis.plot(x, y, ".", color="black", markersize=2.5)
    figure.colorbar(picture, ax=axes, pad=0.01, aspect=25)
    axes[1].set_xticks([])
    if named:
        _number_maps(axes[1], order.index)
    dots = "; dot: prefers or avoids, beyond chance in both panels" if named else ""
    axes[1].set_xlabel(f"Feature map, by cluster{dots}; grey: too few")
    figure.suptitle(
        f"{layer_title(result.settings['layer'])}: in which intervals of Out maps fire, means over "
        f"{result.settings['n_bases']} latent vectors"
    )
    return figure


FIGURES = {
    "profiles": draw_profiles,
    "first_output": draw_first_output,
    "changes": draw_changes,
    "stable": draw_maps_over_values,
    "selectivity": draw_selectivity,
}
