"""Tables of an identification, each made from the files of its stages alone.

labels.csv, ranking.csv, proof.csv, trends.csv, codes.csv, code_tests.csv, pairs.csv and
interactions.csv of ``wavegan_tf.tools.identify``; written again from the same files they are the
same.
"""

import math
from pathlib import Path

import numpy as np

from wavegan_tf.analysis.causes import factorial, identify, properties
from wavegan_tf.analysis.causes.hand_labels import Labels
from wavegan_tf.analysis.causes.properties import BINARY, CATEGORIES, CONTINUOUS, Property
from wavegan_tf.analysis.causes.within import arrange, contrast
from wavegan_tf.analysis.effects import CHANGES, NO_CHANGE, add_verdicts
from wavegan_tf.errors import InputError
from wavegan_tf.report.tables import read_csv, read_json, stream_csv, stream_rows, write_csv

ABOVE_CHANCE, NOT_ABOVE_CHANCE = identify.ABOVE_CHANCE, identify.NOT_ABOVE_CHANCE
TOGETHER = "together"
CONTRAST = ("difference", "lower", "upper", "p")


def read_settings(out_dir: str | Path) -> tuple[dict, identify.IdentifySettings]:
    """What config.json of an identification, or of one of its stages, says of it."""
    config = read_json(Path(out_dir) / "config.json")["identify"]
    return config, identify.IdentifySettings(**config["settings"])


def write_labels(out_dir: str | Path, wanted: Property | None, labels: Labels | None) -> None:
    """Write labels.csv: ``id, label`` of every output that was drawn.

    Args:
        out_dir: with outputs.csv and intervals.csv.
        wanted: the property that is read from these, without labels by hand.
        labels: those by hand, or None. yes and no become 1 and 0; other texts stay.
    """
    if labels is None:
        ids, y = label_run(out_dir, wanted)
        kind, texts = wanted.kind, None
    else:
        ids = np.array(sorted({int(i) for i, _ in stream_csv(_outputs(out_dir), ("id", "id"))}))
        kind, texts = labels.kind, labels.texts
        y = labels.values(ids)
    cells = [texts.get(i, math.nan) for i in ids.tolist()] if kind == CATEGORIES else y.tolist()
    if kind == BINARY:
        cells = [value if math.isnan(value) else int(value) for value in cells]
    rows = ({"id": i, "label": cell} for i, cell in zip(ids.tolist(), cells, strict=True))
    write_csv(Path(out_dir) / "labels.csv", ("id", "label"), rows)


def _outputs(out_dir):
    return Path(out_dir) / "outputs.csv"


def label_run(run_dir: str | Path, wanted: Property) -> tuple[np.ndarray, np.ndarray]:
    """Decide the property of every output of a run, from outputs.csv and intervals.csv.

    Returns:
        ids ``[n]`` and values ``[n]``, as ``causes.properties.label_outputs``.
    """
    names = tuple(dict.fromkeys(("id", "channel", "measured", *properties.OUTPUT_UNITS)))
    outputs = stream_rows(_outputs(run_dir), names)
    columns = ("id", "channel", "label", "start_s", "measure", "value")
    return properties.label_outputs(
        wanted, outputs, stream_rows(Path(run_dir) / "intervals.csv", columns)
    )


def read_labels(out_dir: str | Path) -> tuple[np.ndarray, Labels]:
    """Read labels.csv: ids ``[n]`` of all outputs, and the labels of those that have one."""
    rows = read_csv(Path(out_dir) / "labels.csv")
    texts = {row["id"]: row["label"] for row in rows if row["label"] != "NaN"}
    config, _ = read_settings(out_dir)
    kind = CATEGORIES if config["label"] is not None else config["kind"]
    return np.array([row["id"] for row in rows]), Labels(kind, texts)


def write_ranking(out_dir: str | Path) -> list[dict]:
    """Write ranking.csv from labels.csv and latents.csv.

    Returns:
        Its rows.

    Raises:
        InputError: the labels do not vary, or too few outputs have the property.
    """
    config, settings = read_settings(out_dir)
    ids, labels = read_labels(out_dir)
    y = labels.values(ids, config["label"])
    names, latents = read_latents(out_dir)
    try:
        rows = identify.rank_latents(latents, names, y, config["kind"], config["seed"], settings)
    except InputError as error:
        by_hand = f"--label={config['label']}" if config["label"] else "--labels"
        what = by_hand if config["by_hand"] else f"--property={config['property']}"
        raise InputError(f"{what}: {error}") from None
    _write(out_dir, "ranking.csv", rows)
    return rows


def read_latents(run_dir: str | Path) -> tuple[list[str], np.ndarray]:
    """Read latents.csv: names of the variables, and the vectors ``[n, latent_dim]``."""
    with open(Path(run_dir) / "latents.csv", encoding="utf-8") as file:
        names = file.readline().strip().split(",")[1:]
        return names, np.loadtxt(file, delimiter=",", ndmin=2)[:, 1:]


def write_proof(out_dir: str | Path) -> None:
    """Write proof.csv, trends.csv and contrasts.csv from the stage proof/.

    contrasts.csv holds the share or mean at each value less that at its mirror image, and of a
    variable of the code less that at 0, paired within base vectors: ``latent, role, from_value,
    to_value, difference, lower, upper, p`` (as ``causes.within.contrast``), ``p_holm`` over all
    rows, ``n_bases, verdict`` (``changes``, ``no change shown``, ``too few``).
    """
    stage = Path(out_dir) / "proof"
    config, settings = read_settings(stage)
    wanted = properties.parse_property(config["property"])
    steps = read_steps(stage, ("role", "latent", "value"))
    ids, y = label_run(stage, wanted)
    measures = _doses(stage, ids, y) if wanted.kind == BINARY else {}
    alone = steps["role"] != TOGETHER
    rows, trends = [], []
    for chosen in (alone, ~alone):
        if not chosen.any():
            continue
        proof, trend = identify.prove(
            *(steps[name][chosen] for name in ("latent", "role", "value", "base")),
            y[chosen],
            {name: (unit, values[chosen]) for name, (unit, values) in measures.items()},
            wanted.kind, config["seed"], settings, wanted.unit,
        )  # fmt: skip
        rows += proof
        trends += trend if chosen is alone else []
    _write(out_dir, "proof.csv", rows)
    _write(out_dir, "trends.csv", trends)
    _write(out_dir, "contrasts.csv", _contrasts(steps, y, config["seed"], settings))


def _contrasts(steps, y, seed, settings):
    """Each value of z against its mirror image, of c against 0, within base vectors.

    A slope over the whole sweep misses what comes near training's range and is gone far outside it,
    where every output is noise; pairs of values at equal distances from 0 do not. A variable of the
    code is 0 or 1 in training: its mirror image -1 is no code, and its opposite is 0.
    """
    rows = []
    for latent in dict.fromkeys(steps["latent"][steps["role"] != TOGETHER].tolist()):
        here = steps["latent"] == latent
        values, cell = np.unique(steps["value"][here], return_inverse=True)
        table = arrange(steps["base"][here], cell, len(values), y[here])  # [bases, values]
        places = {value: k for k, value in enumerate(values.tolist())}
        if latent.startswith("c"):
            ends = [(0.0, value) for value in places if value]
        else:
            ends = [(-value, value) for value in places if value > 0]
        for first, last in ends:
            if first not in places:
                continue
            differences = table[:, places[last]] - table[:, places[first]]
            differences = differences[np.isfinite(differences)]
            found = contrast(differences, seed, settings)
            rows.append({
                "latent": latent, "role": str(steps["role"][here][0]), "from_value": first,
                "to_value": last, **dict(zip(CONTRAST, found, strict=True)), "p_holm": math.nan,
                "n_bases": len(differences), "verdict": "",
            })  # fmt: skip
    return add_verdicts(rows, settings, CHANGES, NO_CHANGE)


def read_steps(stage: str | Path, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read steps.csv of a stage by column: ``base`` and those named, ``[outputs]`` in order of id.

    ``value``, ``value_a`` and ``value_b`` are floats, ``base`` is int, others are text.
    """
    table = list(stream_csv(Path(stage) / "steps.csv", ("base", *columns)))
    kinds = {"base": int, "value": float, "value_a": float, "value_b": float}
    cells = zip(("base", *columns), zip(*table, strict=True), strict=True)
    return {name: np.array([kinds.get(name, str)(x) for x in column]) for name, column in cells}


def _doses(stage, ids, y):
    """Intensities of each output with their units; NaN where the property was not decided."""
    columns = ("id", "channel", "label", "measure", "value")
    points = list(stream_rows(stage / "measurements.csv", columns))
    frication_db, voiced_db = (
        properties.loudest(points, label, ids) for label in ("frication", "voiced")
    )
    ratio = properties.frication_ratio(frication_db, voiced_db)
    return {
        "frication_db": ("dB", frication_db),
        "voiced_db": ("dB", voiced_db),
        "frication_ratio": ("1", np.where(np.isnan(y), math.nan, ratio)),
    }


def write_codes(out_dir: str | Path) -> None:
    """Write codes.csv and code_tests.csv.

    From the stage codes/; of labels by hand, which new outputs cannot have, from the outputs that
    were drawn and their own codes. Nothing is written for a number, or without either.
    """
    config, settings = read_settings(out_dir)
    stage = Path(out_dir) / "codes"
    if stage.is_dir():
        steps = read_steps(stage, ("code", "value"))
        code, value = steps["code"], steps["value"]
        _, labels = label_run(stage, properties.parse_property(config["property"]))
        categories = [config["property"]]
    elif config["by_hand"] and config["kind"] != CONTINUOUS:
        code, value = read_codes(out_dir)
        ids, by_hand = read_labels(out_dir)
        if by_hand.kind == CATEGORIES:
            labels = np.array([by_hand.texts.get(i, "") for i in ids.tolist()])
            categories = by_hand.categories
        else:
            labels, categories = by_hand.values(ids), ["yes"]
        names = code.tolist()
        there = [i for i in range(len(names)) if names[i]]
        there.sort(key=lambda i: (len(names[i]), names[i]))  # c2 before c10
        code, value, labels = code[there], value[there], labels[there]
    else:
        return
    given = (code, value, labels, categories, settings)
    _write(out_dir, "codes.csv", factorial.code_shares(*given))
    _write(out_dir, "code_tests.csv", factorial.code_tests(*given, seed=config["seed"]))


def read_codes(run_dir: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """The code of every output of a run, from latents.csv.

    Returns:
        Names ``[n]``: ``c1`` where c1 alone is not 0; of a fiwGAN the bits, ``[1,0,1]``, where all
        that are on have one value. Empty for other codes. And the values ``[n]``; of a code of
        zeros that of the first other.
    """
    config = read_json(Path(run_dir) / "config.json")
    names, latents = read_latents(run_dir)
    codes = latents[:, [name.startswith("c") for name in names]]
    on = codes != 0
    level = codes.max(axis=1, initial=0)
    if config["model"]["model"] == "fiwgan":
        alike = np.all((codes == level[:, None]) | ~on, axis=1)
        found = [f"[{','.join(map(str, row))}]" for row in on.astype(int).tolist()]
        level = np.where(on.any(axis=1), level, next(iter(level[level > 0]), 1.0))
    else:
        alike = on.sum(axis=1) == 1
        found = [names[int(np.argmax(row))] for row in on] if codes.shape[1] else [""] * len(codes)
        level = codes.sum(axis=1)
    return np.where(alike, np.array(found, str), ""), level


def write_pairs(out_dir: str | Path) -> None:
    """Write pairs.csv and interactions.csv from the stage pairs/."""
    stage = Path(out_dir) / "pairs"
    config, settings = read_settings(stage)
    columns = ("latent_a", "value_a", "latent_b", "value_b")
    steps = read_steps(stage, columns)
    _, y = label_run(stage, properties.parse_property(config["property"]))
    given = [steps[name] for name in (*columns, "base")]
    cells, interactions = factorial.pair_effects(*given, y, config["seed"], settings)
    _write(out_dir, "pairs.csv", cells)
    _write(out_dir, "interactions.csv", interactions)


def _write(out_dir, name, rows):
    """Write a table whose columns are the keys of its rows; none without rows."""
    if rows:
        write_csv(Path(out_dir) / name, list(rows[0]), rows)
