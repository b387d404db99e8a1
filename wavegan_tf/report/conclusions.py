"""Sentences that follow from the verdicts of a run, and the cautions that go with them."""

from wavegan_tf.report.reading import (
    Run,
    distinct,
    grouped,
    layer_title,
    measure_title,
    read_differences,
    within_sentence,
)
from wavegan_tf.report.tables import stream_csv

CHANCE = 0.05
"""Share of cells that may be called encoded or inverse where training put nothing: what two-sided
95 % intervals allow."""


def conclusions(run: Run, rows: list[dict]) -> list[str]:
    """Blocks of Markdown: what is above both controls, what is undecided, what does not follow.

    Args:
        run: the run.
        rows: of correlations.csv, of one statistic.
    """
    judged = [row for row in rows if row["verdict"] not in ("too few", "no control")]
    heading = "## What may be concluded"
    if not judged:
        return [heading, _nothing_judged(rows)]
    n = max(row["n_outputs"] for row in judged)
    encoded = [row for row in judged if row["verdict"] == "encoded"]
    inverse = [row for row in judged if row["verdict"] == "inverse"]
    blocks = [heading]
    if encoded:
        blocks.append(f"Above both controls, over {n:.0f} outputs:\n\n{_listed(run, encoded)}")
    else:
        blocks.append(f"No measure is above both controls at any layer, over {n:.0f} outputs.")
    if inverse:
        blocks.append(f"Inversely related, beyond both controls:\n\n{_listed(run, inverse)}")
    blocks.append(_undecided(rows, judged, len(encoded) + len(inverse)))
    blocks.append(
        f"A correlation says that the series of a layer and {run.target_title} vary together in "
        "the intervals found. That the layer causes what is heard is for an intervention to show; "
        "what single feature maps carry, their average cannot tell."
    )
    return [*blocks, *_dependence(run)]


def _nothing_judged(rows):
    """Why no cell has a verdict against controls."""
    if any(row["verdict"] == "no control" for row in rows):
        return (
            "Nothing: the correlations stand without controls, and layers of untrained networks "
            "correlate too. Run again with controls."
        )
    return "Nothing: no measure has enough values at any layer."


def _undecided(rows, judged, found):
    """What chance allows, and what cells without a finding do not show."""
    text = (
        f"If training had put nothing anywhere, up to about {100 * CHANCE:g} % of the "
        f"{len(judged)} cells judged ({CHANCE * len(judged):.1f}) would still be called encoded or "
        "inverse: a single cell without support from its neighbours is weak evidence."
    )
    if len(judged) > found:
        text += (
            f" The other {len(judged) - found} cells judged show neither that training put the "
            "measure there nor that it did not: with few outputs the intervals are wide."
        )
    left_out = len(rows) - len(judged)
    if left_out:
        text += f" {left_out} of {len(rows)} cells have too few values or no control."
    return text


def _dependence(run):
    """A caution where outputs are no independent draws."""
    if "vary" in run.config:
        names = " and ".join(sweep["name"] for sweep in run.config["vary"])
        return [
            f"Of each base vector {names} alone changes: the outputs are no sample of what the "
            "network generates, and the intervals do not hold for other vectors."
        ]
    seen = set(stream_csv(run.directory / "outputs.csv", ("condition", "pair")))
    pairs, conditions = {pair for _, pair in seen}, {condition for condition, _ in seen}
    if len(conditions) > 1 and len(pairs) < len(seen):
        return [
            f"The outputs are {len(pairs)} latent vectors under {len(conditions)} conditions: "
            "outputs of one vector resemble each other, and the intervals may be too narrow."
        ]
    return []


def differences(run: Run) -> list[str]:
    """Blocks of Markdown: where conditions differ after Holm's correction; none without any."""
    rows = read_differences(run)
    blocks = ["## Differences between conditions"] if rows else []
    for condition, reference in dict.fromkeys((x["condition"], x["reference"]) for x in rows):
        here = [
            row for row in rows if (row["condition"], row["reference"]) == (condition, reference)
        ]
        differ = [row for row in here if row["verdict"] == "differs"]
        if differ:
            found = f"differs in {len(differ)} of {len(here)} cells (Holm):\n\n"
            found += _listed(run, differ)
        else:
            found = f"no difference in {len(here)} cells after Holm's correction."
        blocks.append(f"`{condition}` against `{reference}`: {found}")
    return blocks


def _listed(run, rows):
    """A list, one item per label and channel: voiced: F0 at Conv4, Conv3; ..."""
    order = [run.target, *reversed(run.layers)]
    several = len(distinct(rows, "channel")) > 1
    lines = []
    for (channel, label), here in grouped(rows).items():
        places = {}
        for row in here:
            places.setdefault(row["measure"], []).append(row["layer"])
        items = [
            f"{within_sentence(measure_title(measure))} at "
            + ", ".join(layer_title(name) for name in sorted(layers, key=order.index))
            for measure, layers in places.items()
        ]
        of = f"{label}, channel {channel}" if several else label
        lines.append(f"- {of}: " + "; ".join(items))
    return "\n".join(lines)
