"""The same inputs through several models: from which checkpoint on does a layer encode what?

``probe`` of several checkpoints: a training series (Beguš 2020, arXiv 2009.12711), or different
trainings, which may stand in groups. Every table of a probe is there, with a column ``model``; new
is what only several models together can say. One model is open at a time, and of its outputs the
tables alone are kept.
"""

import collections
import dataclasses
import logging
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import probe
from wavegan_tf.experiments.result import Result
from wavegan_tf.model import Models
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title, layers_of, measure_title
from wavegan_tf.stats import models as stats
from wavegan_tf.stats.correlate import ENCODED, INVERSE, NOT_JUDGED, judge
from wavegan_tf.stats.health import FAILED
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "checkpoints"

ALIKE = ("model", "num_categ", "latent_dim", "slice_len", "sample_rate", "num_channels", "stride")
"""What models must have in common for one latent vector to mean as much to each."""

OF_ALL = ("latents", "design")
"""Tables that are the same of every model, and kept once."""

_log = logging.getLogger("wavegan_tf")


def run_several(models: Models, options: probe.Options, directory: str | None = None) -> Result:
    """Probes each model with the same inputs, and compares them.

    Returns:
        The tables of a probe with the columns model, step and, where given, group; ``models``;
        ``onsets`` of a training of which there are several checkpoints; ``changes``, between first
        and last of each, and between trainings without groups; ``groups``. No arrays, no sounds.

    Raises:
        InputError: The models do not read the same latent vectors, or an option means nothing of
            several.
    """
    if options.shard is not None:
        raise InputError(
            f"--shard={options.shard}: is only for one checkpoint; leave it out to compare several"
        )
    models.require_alike(*ALIKE)
    table = models.table()
    parts, moments, architectures = collections.defaultdict(list), [], []
    scales, settings, result = {}, options.statistics, None
    quiet = dataclasses.replace(options, audio=False, max_figures=0)
    for k, (about, model) in enumerate(models):
        _log.info("%s, %d of %d", about["model"], k + 1, len(models))
        with tempfile.TemporaryDirectory(dir=directory) as scratch:  # for the series
            result = probe.run(model, quiet, scratch)
        if model.config in architectures:
            result.tables.pop("controls", None)
        architectures.append(model.config)
        moments.append(_moments(result))
        scales[about["model"]] = result.settings["scales"]
        for key, own in result.tables.items():
            if key not in OF_ALL:
                parts[key].append(own.assign(**about)[[*about, *own]])
            elif not k:
                parts[key] = [own]
    assert result is not None
    layers = [layer["layer"] for layer in result.settings["layers"]]
    tables = {"models": table} | {key: probe.join(own, layers) for key, own in parts.items()}
    if "correlations" in tables:
        tables |= _compare(tables, table, dict(zip(table["model"], moments, strict=True)), settings)
    left_out = ("kind", "checkpoint", "scales")
    shared = {key: x for key, x in result.settings.items() if key not in left_out}
    shared |= {"command": probe.NAME, "scales": scales}
    return Result(NAME, shared, tables, None, directory)


def _moments(result: Result) -> stats.Moments:
    """Keeps of a model what its correlations are made of, by base vector."""
    points, intervals, outputs = map(result.table, ("points", "intervals", "outputs"))
    if not len(intervals):
        return {}
    bases, design = np.arange(outputs["output"].max() + 1), result.table("design")
    if "base" in design:
        bases[design["output"]] = design["base"]
    limits = {x: known["forbidden"] for x, known in result.settings["limits"].items()}
    return stats.base_moments(points, intervals, bases, result.settings["target"], limits)


def _compare(
    tables: dict[str, pd.DataFrame],
    models: pd.DataFrame,
    moments: dict[str, stats.Moments],
    settings: StatisticsSettings,
) -> dict[str, pd.DataFrame]:
    """Judges the correlations of all models as one family, and makes the tables that compare."""
    correlations = judge(tables["correlations"], settings)
    found = {
        "correlations": correlations, "onsets": stats.find_onsets(correlations, _series(models))
    }  # fmt: skip
    if models["group"].any():
        found["groups"] = stats.compare_correlations(correlations, models, settings)
    failed = tables["health"].loc[tables["health"]["verdict"] == FAILED, "model"]
    pairs = _pairs(models[~models["model"].isin(failed.astype(str))])
    changes = [
        stats.compare_models(name, reference, moments[name], moments[reference], settings)
        for name, reference in pairs
    ]
    if changes:
        found["changes"] = stats.judge_changes(pd.concat(changes, ignore_index=True), settings)
    return {name: table for name, table in found.items() if len(table)}


def _pairs(models: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs last with first checkpoints, and trainings that stand in no groups with the first."""
    pairs = [(steps[-1][0], steps[0][0]) for steps in _series(models).values()]
    last = stats.last_of_each(models)["model"].tolist() if not models["group"].any() else []
    return pairs + [(name, last[0]) for name in last[1:]]


def _series(models: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Lists by training its models with their steps, the first step first, where there are two."""
    ordered = models.sort_values("step", kind="stable").groupby("training", sort=False)
    found = {
        str(name): list(zip(own["model"], own["step"].tolist(), strict=True))
        for name, own in ordered
    }
    return {name: found[name] for name in models["training"].unique() if len(found[name]) > 1}


LEGEND = (
    "Pearson's r of each layer with {target} in each model (* encoded, ~ encoded inversely, ? too "
    "few random networks, in brackets: too few values). p is corrected over the {tests} tests of "
    "all models together (Holm), so that the chance of any wrong `encoded` is at most {percent}, "
    "and that of any wrong `inverse` as much. Random networks depend only on the architecture and "
    "the latent vectors, so that they are the same for all checkpoints of a training."
)
SINCE = (
    "From a step on: shown at the checkpoint of that step and at every later one. Before that step "
    "it is not shown, but may be there: a weaker correlation needs more outputs."
)
SPEAKS_OF = (
    "Changes hold for these networks, with the same latent vectors; another training may go "
    "another way. A correlation may also rise because outputs differ more from each other. Models "
    "whose outputs do not pass for speech are not compared."
)
CHANGES = (
    "Difference of Fisher's z on the n base vectors for which both models have values, with its "
    "{level} interval (bootstrap over base vectors; no interval where hardly any output varies: "
    "`too few`). p: by swapping the two models within base vectors, after Holm's correction over "
    "all {tests} comparisons of the run."
)
GROUPS = (
    "Each training counts once, with its last checkpoint. Difference of the groups' means of "
    "Fisher's z with Welch's {level} interval. p: by permutation of the models, corrected over all "
    "rows by the maximum statistic; with so many models the least possible p is {least}."
)
NO_GROUPS = (
    "Nothing can be shown about {name} and {reference}: with {n} the least possible p of a "
    "permutation is {least}; give more models."
)


def summary(result: Result) -> str:
    """Says what each layer encodes at which checkpoint, and how that was found, as Markdown."""
    pearson, known = probe.pearson_rows(result), text.table(_models_shown(result))
    level = text.percent(result.settings["statistics"]["confidence"])
    percent = text.percent(1 - result.settings["statistics"]["confidence"])
    about = {"target": layer_title(result.settings["target"]), "percent": percent}
    blocks = [
        "# What each layer encodes, model by model",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        SINCE if "onsets" in result.tables else "", SPEAKS_OF,
        "## Models", known,
        "Only the tables of each model are kept; for sounds, run `probe` on one checkpoint. All "
        "settings and versions: config.json.",
    ]  # fmt: skip
    if len(pearson):
        tests = int(pearson["p"].notna().sum())
        blocks += ["## Correlations", LEGEND.format(**about, tests=tests)]
        blocks += [text.table(_correlations_shown(result, pearson))]
    for name, legend in (("changes", CHANGES), ("groups", GROUPS)):
        rows = result.table(name)
        if len(rows) and rows["p"].notna().any():
            least = text.p_value(rows["p_least"].max()) if name == "groups" else ""
            said = legend.format(tests=int(rows["p"].notna().sum()), least=least, level=level)
            blocks += [f"## {name.capitalize()}", said, text.table(_differences_shown(rows))]
    return "\n\n".join(filter(None, blocks)) + "\n"


def terminal(result: Result) -> str:
    """Writes by measure and layer the step from which on it is shown, or at how many models."""
    pearson = probe.pearson_rows(result)
    layers, rows = layers_of(result), [["", *map(layer_title, layers_of(result))]]
    onsets = result.table("onsets")
    for training, own in _parts(onsets, "training"):
        for heading, here in probe.by_label(own):
            rows += [[f"{training}, {heading}", *[""] * len(layers)]]
            rows += _by_layer(here, layers, _since)
    if not len(onsets):
        for heading, here in probe.by_label(pearson[pearson["verdict"] != ""]):
            rows += [[heading, *[""] * len(layers)], *_by_layer(here, layers, _number_encoded)]
    head = "Step from which a measure is encoded at every checkpoint (~ encoded inversely)"
    if not len(onsets):
        head = f"Number of models, of {len(result.table('models'))}, that encode a measure"
    return "\n".join([head, text.columns(rows), "", *sentences(result)])


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Lists the figures that the result has values for, each with what draws it."""
    from wavegan_tf.output import figures_checkpoints

    models = result.table("models")
    return figures_checkpoints.figures(result, _series(models), stats.last_of_each(models))


def sentences(result: Result) -> list[str]:
    """Says what was found, a line for each training and kind of interval, and each comparison."""
    found = []
    for name, own in _parts(result.table("health"), "model"):
        if reason := probe.why_not_judged(own):
            found.append(f"{name}: no verdicts, since {reason}.")
    for training, own in _parts(result.table("onsets"), "training"):
        for heading, here in probe.by_label(own):
            said = [
                f"{measure_title(str(measure))}: {since}."
                for measure, cells in _parts(here, "measure")
                if (since := _say_since(cells))
            ]
            found.append(f"{training}, {heading}: {' '.join(said) or 'nothing is shown.'}")
    if "onsets" not in result.tables:
        found += _say_models(result)
    return found + _say_differences(result, "changes") + _say_differences(result, "groups")


def _say_models(result: Result) -> list[str]:
    """Says of each measure at which layers how many of different models encode it."""
    found, n = [], len(result.table("models"))
    for heading, here in probe.by_label(probe.pearson_rows(result)):
        for measure, cells in _parts(here[here["verdict"] == ENCODED], "measure"):
            where = [
                f"at {layer_title(str(layer))} in {len(own)} of {n} models"
                for layer, own in _parts(cells, "layer")
            ]
            found.append(f"{heading}: {measure_title(str(measure))}: encoded {', '.join(where)}.")
    return found


def _say_since(cells: pd.DataFrame) -> str:
    """Says from when on a measure is shown at which layers."""
    parts: dict[str, list[str]] = {}
    for row in cells.to_dict("records"):
        when = {
            stats.ALWAYS: f"at all {row['n']} checkpoints",
            stats.FROM: f"from step {row['from_step']:.0f} on",
            stats.FORMER: f"at {row['n_shown']} of {row['n']} checkpoints, not at the last",
        }.get(row["verdict"])
        if when:
            how = "encoded inversely" if row["shown"] == INVERSE else ENCODED
            parts.setdefault(f"{how} {when}", []).append(layer_title(row["layer"]))
    return "; ".join(f"at {' and '.join(layers)} {when}" for when, layers in parts.items())


def _say_differences(result: Result, table: str) -> list[str]:
    """Says where r is higher or lower in a model or group than in another, or that nothing is."""
    found, alpha = [], 1 - result.settings["statistics"]["confidence"]
    who = "group" if table == "groups" else "model"
    for (name, reference), own in _parts(result.table(table), [who, "reference"]):
        n = f"{own['n'].max()} and {own['n_reference'].max()} models" if who == "group" else ""
        if n and not own["p_least"].max() < alpha:
            least = text.p_value(own["p_least"].max())
            found.append(NO_GROUPS.format(name=name, reference=reference, n=n, least=least))
            continue
        for verdict in (stats.HIGHER, stats.LOWER):
            rows = own[own["verdict"] == verdict].to_dict("records")
            listed = "; ".join(f"{_cell(x)} ({_two(x)})" for x in rows)
            end = f" ({n})" if n else ""
            found += [f"r is {verdict} at {name} than at {reference}{end}: {listed}."] * bool(rows)
        if own["p"].notna().any() and not own["verdict"].isin((stats.HIGHER, stats.LOWER)).any():
            found.append(f"No difference of r between {name} and {reference} is shown.")
    return found


def _parts(table: pd.DataFrame, by: str | list[str]) -> list[tuple[Any, pd.DataFrame]]:
    """Parts a table, in order of appearance; an empty one has no parts."""
    return list(table.groupby(by, sort=False, observed=True)) if len(table) else []


def _cell(row: dict[Any, Any]) -> str:
    return f"{row['label']}: {measure_title(row['measure'])} at {layer_title(row['layer'])}"


def _two(row: dict[Any, Any]) -> str:
    return f"{text.fixed(row['r'])}, {text.fixed(row['r_reference'])}"


def _by_layer(
    rows: pd.DataFrame, layers: list[str], write: Callable[[pd.DataFrame], str]
) -> list[list[str]]:
    """Writes a row for each measure, a cell for each layer."""
    return [
        [
            f"  {measure_title(str(measure))}",
            *(write(cells[cells["layer"].astype(str) == layer]) for layer in layers),
        ]
        for measure, cells in _parts(rows, "measure")
    ]


def _since(cell: pd.DataFrame) -> str:
    """Writes the step from which on a cell of onsets is shown."""
    if not len(cell) or np.isnan(cell["from_step"].iloc[0]):
        return text.DASH if len(cell) else ""
    return f"{cell['from_step'].iloc[0]:.0f}" + "~" * (cell["shown"].iloc[0] == INVERSE)


def _number_encoded(cell: pd.DataFrame) -> str:
    if not (cell["p"].notna() & (cell["verdict"] != NOT_JUDGED)).any():
        return text.DASH if len(cell) else ""
    return str(int((cell["verdict"] == ENCODED).sum()))


def _models_shown(result: Result) -> pd.DataFrame:
    """Lists the models, each with its outputs that have a voice."""
    outputs, rows = result.table("outputs"), []
    for row in result.table("models").to_dict("records"):
        own = outputs[outputs["model"].astype(str) == row["model"]]
        rows.append({
            "model": row["model"], **({"group": row["group"]} if row["group"] else {}),
            "step": row["step"], "with voice": f"{(own['n_voiced'] > 0).sum()} of {len(own)}",
            "checkpoint": f"`{row['prefix']}`", "SHA-256": row["sha256"][:12],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _correlations_shown(result: Result, pearson: pd.DataFrame) -> pd.DataFrame:
    """Makes the table of r: a row for each measure and layer, a column for each model."""
    rows = []
    known = pearson[(pearson["verdict"] != "") & pearson["estimate"].notna()]
    for heading, own in probe.by_label(known):
        for (measure, unit, layer), cells in _parts(own, ["measure", "unit", "layer"]):
            found = dict(zip(cells["model"], cells.to_dict("records"), strict=True))
            written = {
                name: probe.short(found[name]) if name in found else text.DASH
                for name in result.table("models")["model"]
            }
            about = {"intervals": heading, "measure": measure_title(measure, unit)}
            rows.append(about | {"layer": layer_title(layer)} | written)
    return pd.DataFrame(rows)


def _differences_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Makes the table of what differs between models, or groups; what does not is in tables/."""
    who = "group" if "group" in table else "model"
    rows = [
        {
            who: row[who], "beside": row["reference"], "what": _cell(row), "r": _two(row),
            "difference of z": text.with_interval(
                row["estimate"], row["low"], row["high"], text.fixed
            ),
            "p": text.p_value(row.get("p_holm", row["p"])), "verdict": row["verdict"],
            "n": row.get("n_outputs", f"{row['n']} and {row.get('n_reference')} models"),
        }
        for row in table[table["p"].notna()].to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)
