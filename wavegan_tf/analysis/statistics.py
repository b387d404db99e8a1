"""Do the layers follow the output? Statistics over the rows of measurements.csv."""

import numpy as np

PAIRED_BY = ("id", "interval", "point")
"""What names a place of measurement: a layer's value is compared with the output's at the same."""


def correlate(rows: list[dict], target: str = "out") -> list[dict]:
    """Correlate each layer with the output, measure by measure.

    Pearson's r over the concatenated values of all outputs (Beguš & Zhou 2022, section IV). Values
    are paired by :data:`PAIRED_BY` and measure; a pair with NaN on either side is left out.

    Args:
        rows: mappings as in measurements.csv, with ``id``, ``layer``, ``interval``, ``point``,
            ``measure`` and ``value`` (NaN where nothing could be measured).
        target: the layer that the others are compared with.

    Returns:
        A list of dicts ``measure``, ``layer``, ``r``, ``n``, one for each measure and each layer
        but the target, in the order in which they first appear. ``n`` counts the pairs; ``r`` is
        NaN where there are fewer than 3 or one side is constant.

    Raises:
        ValueError: a layer has two values of one measure at one place.
    """
    values = {}  # measure -> layer -> place -> value
    for row in rows:
        places = values.setdefault(row["measure"], {}).setdefault(row["layer"], {})
        place = tuple(row[name] for name in PAIRED_BY)
        if place in places:
            raise ValueError(
                f"layer {row['layer']} has two values of {row['measure']} at "
                f"{', '.join(PAIRED_BY)} = {', '.join(map(str, place))}; one is wanted"
            )
        places[place] = float(row["value"])
    table = []
    for measure, layers in values.items():
        there = layers.get(target, {})
        for layer, here in layers.items():
            if layer != target:
                pairs = [(here[place], there[place]) for place in here if place in there]
                r, n = pearson(pairs)
                table.append({"measure": measure, "layer": layer, "r": r, "n": n})
    return table


def pearson(pairs: np.ndarray) -> tuple[float, int]:
    """Pearson's r of the finite pairs.

    Args:
        pairs: ``[n, 2]``, possibly with NaN, possibly empty.

    Returns:
        r (NaN for fewer than 3 finite pairs or a constant side) and the number of finite pairs.
    """
    pairs = np.asarray(pairs, np.float64).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 3 or np.any(np.ptp(pairs, axis=0) == 0):
        return float("nan"), len(pairs)
    return float(np.corrcoef(pairs, rowvar=False)[0, 1]), len(pairs)
