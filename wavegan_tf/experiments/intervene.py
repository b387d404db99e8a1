"""What share of an effect do parts of a layer carry?

A part of a layer is replaced in the output under ``--from`` by that of the output under ``--to``,
and the Generator runs on from there. A WHOLE layer always carries the whole effect: every run
checks this (table ``checks``); it is no finding. With ``--by=mean`` or a factor there is no other
output: parts become their mean over the outputs or are scaled, and the change is told.
"""

import dataclasses
import functools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import MeasuringOutputs, choose_layers
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Condition, cross, latents_table, parse_settings, read_steps
from wavegan_tf.model import BATCH, Model, batches, layers_table
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.speech.settings import UNITS
from wavegan_tf.stats import interventions as stats
from wavegan_tf.stats.maps import samples_within
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "intervene"
SCAN = "scan"
VOICED = ("f0", "intensity", "f1", "f2")  # measured by Praat, means over voiced intervals

TOLERANCE = 1e-5  # of a whole layer of the other output, full scale 1

ALL_UNITS = stats.UNITS | {"n_voiced": "1", "frication": "1"} | {m: UNITS[m] for m in VOICED}
"""Every measure that interventions are judged by, with its unit. ``n_voiced`` is the number of
voiced intervals, ``frication`` the share of outputs that have some."""

# columns of the table ``compared``
LEVELS = (*stats.UNITS, *(f"{measure}_scaled" for measure in stats.DISTANCES))


@dataclass(frozen=True)
class Options(MeasuringOutputs):
    """What is replaced, and how outputs are measured."""

    from_: str = option(
        "", "Settings of the outputs whose parts are replaced, such as c1=1.", flag="from"
    )
    to: str = option("", "Settings of the outputs that the parts are taken from, such as c2=1.")
    n: int = option(25, "Number of base vectors.", low=1)
    layers: str = option(
        "all",
        "Layers whose parts are replaced, for example conv3,conv4; all "
        "stands for all but the output.",
    )
    patch: tuple[str, ...] = option(
        (*stats.PARTS, SCAN),
        "Parts of each layer to replace: average (of the feature maps, all moved alike), gain (the "
        "average, by scaling the maps), rest (all but the average), scan (each map alone, then the "
        "best together).",
    )
    maps: tuple[str, ...] = option(
        (), "Feature maps to replace together: conv2:3,17.", repeated=True
    )
    window_s: tuple[str, ...] = option(
        (),
        "Stretches of time to replace one by one: 0.1,0.3 (from, to, in s) or 0:1:0.1 (all "
        "stretches of 0.1 s).",
        repeated=True,
    )
    by: str = option(
        "other",
        "What replaces a part: other (the part of the output of --to), mean (of the part "
        "over outputs) or a number (the part times it).",
    )
    seed: int = option(0, "Seed of the latent vectors.", group="Latents", low=0)
    set: str = option("", "Latent variables held at a value: c1=1,z11=-5.", group="Latents")
    scan_by: str | None = option(
        None, "Measure whose share the scan shows; shape if not given.",
        group="Statistics", choices=tuple(stats.UNITS),
    )  # fmt: skip
    f0_two_pass: bool = option(
        False,
        "Measure F0 in two passes: the first finds the F0 range of each output, the second "
        "measures in it.",
        group="Praat",
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)


class Cell(NamedTuple):
    """One intervention: ``patch``, one of ``stats.PARTS``, ``maps`` (from 1) or ``window``."""

    layer: str
    patch: str
    maps: tuple[int, ...] = ()
    start_s: float = math.nan
    end_s: float = math.nan

    @property
    def window_s(self) -> tuple[float, ...]:
        """Start and end of a stretch of time; empty of other parts."""
        return self[3:] if self.patch == "window" else ()

    @property
    def name(self) -> str:
        """Names it: ``conv2 maps 3,17`` or ``conv3 window 0.1-0.2``."""
        which = ",".join(map(str, self.maps)) + "-".join(f"{x:g}" for x in self.window_s)
        return f"{self.layer} {self.patch} {which}".rstrip()

    def about(self) -> dict[str, Any]:
        """Gives its columns of a table."""
        return self._asdict() | {"maps": ",".join(map(str, self.maps))}

    def apply(self, own: np.ndarray, donor: np.ndarray, rate_hz: float) -> np.ndarray:
        """Replaces the part of an activation, [batch, time, maps]."""
        if self.patch == "maps":
            return np.where(np.isin(np.arange(own.shape[2]) + 1, self.maps), donor, own)
        if self.patch == "window":
            inside = samples_within(own.shape[1], rate_hz, *self.window_s)
            return np.where(inside[:, np.newaxis], donor, own)
        return stats.replace_part(own, donor, self.patch)


class Batch(NamedTuple):
    """The bases ``here``: activations by layer, [bases, time, maps].

    ``donor`` is the other end, or what replaces a part; ``another`` the other end of the next base
    (of the last the first), as a control; None without another end, or with one base.
    """

    here: slice
    own: dict[str, np.ndarray]
    donor: dict[str, np.ndarray]
    another: dict[str, np.ndarray] | None


@dataclass
class Ends:
    """A Generator, latent vectors at both ends of an effect, and what replaces parts of layers."""

    model: Model
    start: np.ndarray  # [n, latent_dim]
    end: np.ndarray | None  # likewise; None without another end
    by: str | float
    split_hz: float

    @property
    def places(self) -> list[slice]:
        """The bases of each batch."""
        return [slice(k, k + BATCH) for k in range(0, len(self.start), BATCH)]

    @functools.cached_property
    def means(self) -> dict[str, np.ndarray]:
        """The mean of each layer over the outputs at the start."""
        sums: dict[str, Any] = {}
        for here in self.places:
            for name, x in self.model.activations(self.start[here]).items():
                sums[name] = sums.get(name, 0.0) + x.sum(axis=0, dtype=np.float64)
        return {name: (x / len(self.start)).astype(np.float32) for name, x in sums.items()}

    def batches(self) -> Iterator[Batch]:
        """Yields the outputs at both ends, all finite, with every layer's activation."""
        for here in self.places:
            own, another = self.model.activations(self.start[here]), None
            if self.end is not None:
                donor = self.model.activations(self.end[here])
                if len(self.end) > 1:
                    another = self.model.activations(np.roll(self.end, -1, axis=0)[here])
            elif self.by == "mean":
                donor = {m: np.broadcast_to(self.means[m], x.shape) for m, x in own.items()}
            else:
                donor = {m: (x * self.by).astype(np.float32) for m, x in own.items()}
            for name, outputs in {"from": own, "to": own if self.end is None else donor}.items():
                if not np.isfinite(outputs["out"]).all():
                    raise InputError(
                        f"--{name}: the outputs of the Generator have NaN or infinite values; give "
                        "values nearer to those of training (-1 .. 1)"
                    )
            yield Batch(here, own, donor, another)

    def run_from(self, layer: str, activation: np.ndarray) -> np.ndarray:
        """Makes the outputs [bases, slice_len, channels] of a layer's activation."""
        [padded] = batches(activation)  # an output does not depend on how many there are
        return self.model.run_from(layer, padded)["out"][: len(activation)]

    def patched(self, cell: Cell, batch: Batch, donor: dict[str, np.ndarray]) -> np.ndarray:
        """Makes the outputs of an intervention."""
        own, config = batch.own[cell.layer], self.model.config
        rate_hz = config.sample_rate * own.shape[1] / config.slice_len
        return self.run_from(cell.layer, cell.apply(own, donor[cell.layer], rate_hz))

    def outputs(self, batch: Batch, cells: Sequence[Cell]) -> list[np.ndarray]:
        """Makes the outputs of a batch: from, to if there is another, cells, and their controls."""
        made = [batch.own["out"]] + ([] if self.end is None else [batch.donor["out"]])
        donors = [x for x in (batch.donor, batch.another) if x is not None]
        return made + [self.patched(cell, batch, donor) for donor in donors for cell in cells]

    def check(self, batch: Batch) -> list[dict[str, Any]]:
        """Compares nothing replaced with the output, and a whole layer with the other output.

        Raises:
            RuntimeError: A sample differs by over :data:`TOLERANCE`: the Generator is no chain.
        """
        sides = {"none": batch.own} | ({} if self.end is None else {"whole": batch.donor})
        rows = []
        for layer in [layer for layer in batch.own if layer != "out"]:
            for patch, side in sides.items():
                gap = float(np.abs(self.run_from(layer, side[layer]) - side["out"]).max())
                if not gap <= TOLERANCE:
                    raise RuntimeError(f"{layer}, {patch} replaced: differs by {gap:g}")
                rows.append({"layer": layer, "patch": patch, "max_difference": gap})
        return rows

    def reference(self, batch: Batch) -> stats.Reference:
        """Prepares what outputs are compared with: the other output, else the untouched one."""
        other = (batch.own if self.end is None else batch.donor)["out"]
        rate_hz = self.model.config.sample_rate
        return stats.Reference(other, batch.own["out"], rate_hz, self.split_hz)

    def levels(self, batch: Batch, sounds: list[np.ndarray], cells: Sequence[Cell]) -> np.ndarray:
        """Measures the outputs of a batch: [bases, outputs, measures], :data:`LEVELS`.

        ``waveform_scaled`` and the like are what a gain of ``from`` reaches, of a window one within
        that stretch of time; NaN of ``to`` and of controls.
        """
        reference = self.reference(batch)
        found = [reference.measure(sound) for sound in sounds]

        @functools.cache
        def reached(*window_s: float) -> dict[str, np.ndarray]:
            length = sounds[0].shape[1]
            inside = samples_within(length, reference.rate_hz, *window_s) if window_s else None
            gaps = reference.at_best_gain(sounds[0], inside)
            return {f"{measure}_scaled": x for measure, x in gaps.items()}

        if self.end is not None:
            found[0] |= reached()
            for measured, cell in zip(found[2:], cells, strict=False):
                measured |= reached(*cell.window_s)
        return np.stack([pd.DataFrame(x).reindex(columns=LEVELS) for x in found], axis=1)

    def scan(
        self, layer: Layer, measure: str, start: np.ndarray, end: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Intervenes on each feature map of a layer alone, then on the first 1, 2, .. together.

        Returns:
            The measure ``from`` and ``to`` [n], as given; ``single`` [maps, n], with each map
            alone; ``order`` [maps] from 1, of falling shares of the effect in every other base from
            the first on; ``cumulative`` [maps, n], with the first 1, 2, .. of that order. It tells
            something in the other bases alone: the order fits its own too well.
        """

        def measured(sets: list) -> np.ndarray:
            found = np.zeros([len(sets), len(start)])
            work = (
                (batch, reference, i)
                for batch in self.batches()
                for reference in [self.reference(batch)]
                for i in range(len(sets))
            )
            total = len(sets) * len(self.places)
            for batch, reference, i in progress(work, total, f"scanning {layer.name}"):
                cell = Cell(layer.name, "maps", tuple(sets[i]))
                sound = self.patched(cell, batch, batch.donor)
                found[i, batch.here] = reference.measure(sound, [measure])[measure]
            return found

        single = measured([[m + 1] for m in range(layer.channels)])
        change = (single - start)[:, ::2].mean(axis=1) / (end - start)[::2].mean()
        order = np.argsort(-change, kind="stable") + 1
        together = measured([order[: k + 1] for k in range(layer.channels)])
        return {"from": start, "to": end, "single": single, "order": order, "cumulative": together}


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Intervenes on the layers of a Generator and judges what follows.

    Raises:
        InputError: An option breaks its rule, or both ends have the same latent vectors.
    """
    config, by, n = model.config, parse_by(options), options.n
    layers = choose_layers(options.layers, config.every_layer[:-1], None)
    cells, other = make_cells(options, layers, config), by == "other"
    conditions = [Condition("from", parse_settings(options.from_, config, "--from"))]
    if other:
        conditions.append(Condition("to", parse_settings(options.to, config, "--to")))
    n_ends = len(conditions)
    patched = [conditions[0]._replace(name=cell.name, about=cell.about()) for cell in cells]
    controls = [x._replace(name=f"{x.name} of another") for x in patched if other and n > 1]
    conditions += patched + controls
    width = len(conditions)
    design = cross(model.sample(n, options.seed, options.set), conditions, config)
    start, end = design.z[::width], design.z[1::width] if other else None
    if end is not None and np.array_equal(start, end):
        raise InputError(
            f"--from={options.from_} --to={options.to}: both give the same latent vectors, so "
            "there is no effect; give different settings, or --by=0 to silence parts"
        )
    ends = Ends(model, start, end, by, options.intervals.frication_above_hz)
    audio_dir = os.path.join(directory, "audio") if directory and options.audio else None
    if audio_dir:
        os.makedirs(audio_dir, exist_ok=True)
    plan = Plan(
        layers=config.layers[-1:], target="out", sample_rate_hz=config.sample_rate,
        slice_len=config.slice_len, praat=options.praat, intervals=options.intervals,
        f0_two_pass=options.f0_two_pass, audio_dir=audio_dir,
    )  # fmt: skip
    levels, checks = np.empty([n, width, len(LEVELS)]), []

    def outputs() -> Iterator[Output]:
        for batch in ends.batches():
            checks.extend(ends.check(batch))
            sounds = ends.outputs(batch, cells)
            levels[batch.here] = ends.levels(batch, sounds, cells)
            for k in range(len(sounds[0]) * width):
                sound = sounds[k % width][k // width]
                series = sound[:, 0] if sound.shape[1] == 1 else sound
                yield Output(batch.here.start * width + k, 0, {"out": series})

    results = measure_outputs(outputs(), plan, num_processes(options.jobs))
    tables, _ = gather(progress(results, n * width, "measuring"), plan)
    del tables["points"]
    compared = pd.DataFrame(levels.reshape(n * width, -1), columns=LEVELS)
    values = dict(compared) | output_means(tables["outputs"], tables["intervals"])
    compared.insert(0, "output", design.table["output"])
    gaps = pd.DataFrame(checks).groupby(["layer", "patch"], sort=False, as_index=False)
    tables |= {
        "compared": compared,
        "checks": gaps.max(),
        "design": design.table,
        "latents": latents_table(design.z, config)[design.table["output"] % width < n_ends],
        "layers": layers_table(layers),
    }
    nothing, sides = np.full([n, 2], math.nan), {}  # by measure [bases, conditions + 2]
    for measure, x in values.items():
        sides[measure] = np.hstack([np.reshape(x, [n, width]), nothing])
    sides["waveform"][:, -2] = 10 ** (sides["rms"][:, 0] / 10)  # the power of the untouched output
    to = 1 if other else -2
    if cells:
        given = []
        for at in range(n_ends, n_ends + len(cells)):
            places = [0, to, at, at + len(cells) if controls else -1]
            scaled = {m: sides[f"{m}_scaled"][:, at] for m in stats.DISTANCES}
            given.append({
                m: np.vstack([sides[m][:, places].T, scaled.get(m, nothing[:, 0])])
                for m in ALL_UNITS
            })  # fmt: skip
        judged = stats.judge(given, other, options.statistics)
        judged.insert(2, "unit", judged["measure"].map(ALL_UNITS))
        about = pd.DataFrame([cell.about() for cell in cells])
        tables["interventions"] = about.join(judged.set_index("cell")).reset_index(drop=True)
    scan, scanned = (options.scan_by or "shape") if other else "waveform", {}
    if SCAN in options.patch:
        ways = sides[scan][:, 0], sides[scan][:, to]
        scanned = {layer.name: ends.scan(layer, scan, *ways) for layer in layers}
        gain = sides[f"{scan}_scaled"][:, 0] if other and scan in stats.DISTANCES else None
        tables["maps"], tables["needed"] = scan_tables(scanned, scan, gain, options.statistics)
    record = {
        "checkpoint": model.checkpoint, "model": config.to_dict(), "by": by, "from": options.from_,
        "to": options.to, "n_bases": n, "scan": scan if scanned else None,
        "sample_rate_hz": config.sample_rate, "slice_len": config.slice_len, "target": "out",
        "praat": dataclasses.asdict(options.praat),
        "intervals": dataclasses.asdict(options.intervals),
        "statistics": dataclasses.asdict(options.statistics),
    }  # fmt: skip
    arrays = {f"{layer}_{k}": x for layer, found in scanned.items() for k, x in found.items()}
    return Result(NAME, record, tables, {"scan": arrays} if arrays else {}, directory)


def output_means(outputs: pd.DataFrame, intervals: pd.DataFrame) -> dict[str, np.ndarray]:
    """Averages over voiced intervals and channels: by measure [outputs], NaN for none."""
    size, outputs = outputs["output"].max() + 1, outputs[outputs["measured"]]
    voiced = intervals[(intervals["label"] == "voiced") & np.isfinite(intervals["value"])]
    found = {
        "n_voiced": outputs.assign(value=outputs["n_voiced"]),
        "frication": outputs.assign(value=outputs["n_frication"] > 0),
    } | {measure: voiced[voiced["measure"] == measure] for measure in VOICED}
    with np.errstate(invalid="ignore"):
        return {
            name: np.bincount(x["output"], x["value"], size) / np.bincount(x["output"], None, size)
            for name, x in found.items()
        }


def scan_tables(
    scanned: dict[str, dict[str, np.ndarray]],
    measure: str,
    gain: np.ndarray | None,
    settings: StatisticsSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Makes ``maps`` and ``needed`` of what :meth:`Ends.scan` found, by layer.

    ``gain`` is the distance at the best gain [n]. Maps together are judged in the bases by which
    they were not ordered, if there are several.
    """
    tables, needed = [], []
    for layer, found in scanned.items():
        start, rank = found["from"], np.argsort(found["order"])
        given = found["to"] - start, settings
        table = pd.DataFrame({"layer": layer, "map": np.arange(len(rank)) + 1, "measure": measure})
        alone = stats.shares(found["single"] - start, *given)
        table["estimate"], table["low"], table["high"] = alone
        table["rank"] = rank + 1
        rest = slice(min(1, len(start) - 1), None, 2)
        change = (found["cumulative"] - start)[:, rest]
        together = stats.shares(change, given[0][rest], settings)
        for suffix, x in zip(("", "_low", "_high"), together, strict=True):
            table[f"cumulative{suffix}"] = x[rank]
        reached = math.nan if gain is None else stats.shares((gain - start)[None], *given)[0][0]
        table["n_cumulative"] = change.shape[1]
        tables.append(table.assign(scaled=reached, n=len(start)))
        counts = stats.maps_needed(together[0])
        needed += [(layer, share, count, len(rank)) for share, count in counts.items()]
    columns = ["layer", "share", "n_maps", "maps"]
    return pd.concat(tables, ignore_index=True), pd.DataFrame(needed, columns=columns)


def parse_by(options: Options) -> str | float:
    """Reads ``--by``: ``other``, ``mean`` or a factor, 0 or more, but 1."""
    given = options.by
    if given == "other":
        return given
    if options.to:
        raise InputError(
            f"--to={options.to}: has no meaning with --by={given}, which takes nothing from "
            "another output; leave one of them out"
        )
    if options.scan_by not in (None, "waveform"):
        raise InputError(
            f"--scan_by={options.scan_by}: with --by={given} only the waveform's change is a "
            "share of something; leave it out"
        )
    factor = float(pd.to_numeric(given, errors="coerce"))  # NaN of what is no number
    if given != "mean" and (not 0 <= factor < math.inf or factor == 1):
        raise InputError(
            f"--by={given}: must be other, mean, or a factor of 0 or more; not 1, which changes "
            "nothing; --by=0 silences"
        )
    return given if given == "mean" else factor


def make_cells(options: Options, layers: Sequence[Layer], config: ModelConfig) -> list[Cell]:
    """Lists the interventions that the options describe, layer by layer."""
    for patch in set(options.patch) - {*stats.PARTS, SCAN}:
        known = ", ".join((*stats.PARTS, SCAN))
        raise InputError(
            f"--patch={','.join(options.patch)}: there is no part {patch!r}; choose from {known}"
        )
    chosen = dict.fromkeys(parse_maps(given, config) for given in options.maps)
    stretches = [x for given in options.window_s for x in parse_windows(given, layers, config)]
    cells = []
    for layer in config.every_layer[:-1]:
        if layer in layers:
            cells += [Cell(layer.name, part) for part in stats.PARTS if part in options.patch]
            cells += [Cell(layer.name, "window", (), *ends) for ends in dict.fromkeys(stretches)]
        cells += [cell for cell in chosen if cell.layer == layer.name]
    if not cells and SCAN not in options.patch:
        raise InputError(
            "--patch=: there is nothing to do; name a part, or give --maps or --window_s"
        )
    return cells


def parse_maps(given: str, config: ModelConfig) -> Cell:
    """Reads ``conv2:3,17``: a layer and feature maps of it, counted from 1."""
    channels = {layer.name: layer.channels for layer in config.every_layer[:-1]}
    match = re.fullmatch(r"(\w+):([0-9]+(?:,[0-9]+)*)", given.replace(" ", ""))
    if not match or match[1] not in channels:
        raise InputError(
            f"--maps={given}: expected LAYER:MAPS, for example conv2:3,17; layers with feature "
            f"maps are {', '.join(channels)}"
        )
    maps, count = sorted(map(int, match[2].split(","))), channels[match[1]]
    if len(set(maps)) < len(maps) or maps[0] < 1 or maps[-1] > count:
        raise InputError(
            f"--maps={given}: {match[1]} has {count} maps; name each once, by its number from 1 to "
            f"{count}"
        )
    return Cell(match[1], "maps", tuple(maps))


def parse_windows(
    given: str, layers: Sequence[Layer], config: ModelConfig
) -> list[tuple[float, float]]:
    """Reads ``0.1,0.3``, one stretch, or ``0:1:0.1``, stretches of 0.1 s from 0 to 1 s."""
    if not re.fullmatch("x,x|x:x:x".replace("x", r"\d*\.?\d+"), given):
        raise InputError(
            f"--window_s={given}: expected START,END or START:END:STEP in s, for example 0.1,0.3 "
            "or 0:1:0.1"
        )
    start_s, end_s = (float(x) for x in given.replace(":", ",").split(",")[:2])
    duration_s = config.slice_len / config.sample_rate
    if not start_s < end_s <= duration_s:
        raise InputError(
            f"--window_s={given}: must begin before it ends, within the output, 0 .. {duration_s:g}"
        )
    edges = read_steps(given, f"--window_s={given}") if ":" in given else (start_s, end_s)
    stretches = list(zip(edges, edges[1:], strict=False))
    for layer in layers:
        for first_s, last_s in stretches:
            if not samples_within(layer.length, layer.rate_hz, first_s, last_s).any():
                raise InputError(
                    f"--window_s={given}: {layer.name} has no sample in {first_s:g} .. {last_s:g} "
                    f"s, only one every {1000 / layer.rate_hz:g} ms; take longer stretches, or "
                    "leave the layer out of --layers"
                )
    return stretches


MARKS = {
    stats.CARRIES: "*", stats.NOT_BEYOND: "=", stats.OPPOSES: "~", stats.OVERSHOOTS: "^",
    stats.NO_EFFECT: "-", stats.TOO_FEW: ".", stats.CHANGES: "*",
}  # fmt: skip
LEGENDS = {
    "estimate": "Share of the effect; 1 is all of it. * carries, ~ opposes, ^ overshoots (after "
    "Holm's correction over all parts, layers and measures), = not shown to be more than a gain "
    "does, no mark: not shown, - no effect on the measure shown, . too few. Any gain: the "
    "untouched output, as loud or quiet as makes it nearest.",
    "change": "Change against the untouched output: * shown, . too few. Waveform, shape and "
    "spectrum are distances from the untouched output and are not tested.",
    "control": "The same with the part from the output of another base vector, which carries what "
    "outputs at the other end have in common: + the part from the right output does more, - it "
    "does less (after Holm's correction over all parts, layers and measures).",
}
WHOLE = (
    "A whole layer of the other output gives the other output, at any depth (largest difference "
    "{:g}): the Generator is a chain, so that every whole layer carries all of the effect by "
    "construction. The rest is about parts of layers. Their shares need not add up to 1; a share "
    "below 0 leads away from the other output. The waveform compares samples, phases included; the "
    "spectrum (60 dB of range) ignores phases; the shape (1 - r²) ignores loudness."
)
LIMITS = (
    "The network itself never makes an activation that is put together from two outputs, or "
    "silenced: what it does here is not what the layer does in use."
)


def _cell(row: Any, key: str, intervals: bool, level: float) -> str:
    mark = MARKS.get(row["verdict"], "")
    if key == "control":
        mark = ("+" if row["specific"] > 0 else "-") if row["p_specific_holm"] < level else ""
    if not np.isfinite(row[key]):
        return mark
    prefix = "" if key == "estimate" else f"{key}_"
    low, high = (row[f"{prefix}{x}"] if intervals else math.nan for x in ("low", "high"))
    write = text.number if key == "change" else text.fixed
    return text.with_interval(row[key], low, high, write=write) + mark


def _sections(result: Result, intervals: bool) -> list[tuple[str, pd.DataFrame]]:
    """Lists legends and tables: what parts do, what another base's do, how many maps it takes."""
    from wavegan_tf.output import figures_intervene as names

    def parts(key: str) -> pd.DataFrame:
        table: dict[str, dict[str, str]] = {}
        for row in names.with_value(rows, key).to_dict("records"):
            unit = row["unit"] if key == "change" else ""
            column = table.setdefault(names.measure_name(row["measure"], result, unit), {})
            if key == "estimate" and row["patch"] != "window" and math.isfinite(row["scaled"]):
                column["any gain"] = text.fixed(row["scaled"])
            part = f"{layer_title(row['layer'])} {names.part_title(row)}"
            column[part] = _cell(row, key, intervals, level)
        order = dict.fromkeys(part for column in table.values() for part in column)
        return pd.DataFrame(table, index=[*order]).fillna("")

    rows, (key, *_) = result.table("interventions"), names.key_of(result)
    level = 1 - result.settings["statistics"]["confidence"]
    found = [(names.effect_title(result), pd.DataFrame())]
    for shown in (key, "control") if len(rows) else ():
        if np.isfinite(rows[shown]).any():
            found.append((LEGENDS[shown], parts(shown)))
        elif shown == key:
            found.append((
                f"No share can be given: there are {result.settings['n_bases']} base vectors "
                "(--n), or an effect is shown on no measure.", pd.DataFrame(),
            ))  # fmt: skip
    maps = result.table("maps")
    needed = result.table("needed").reindex(columns=["layer", "share", "n_maps"])
    if len(maps):
        table = maps.groupby("layer", sort=False).size().rename("maps").to_frame()
        for share in stats.NEEDED:
            some = needed[needed["share"] == share].set_index("layer")["n_maps"]
            table[f"{share:.0%}"] = some.reindex(table.index).map(lambda x: f"{x:.0f}")
        gain = maps["scaled"].iloc[0]
        reached = f" Any gain of the untouched output: {gain:.2f}." if math.isfinite(gain) else ""
        found.append((
            f"{names.scan_title(result)}: maps that bring about so much of what all of them do, "
            f"the most effective first (ordered in half of the base vectors, counted in the other "
            f"half).{reached}",
            table.astype(str).replace("nan", text.DASH).rename(index=layer_title),
        ))  # fmt: skip
    return found


def terminal(result: Result) -> str:
    """Says in tables which parts carry the effect, and how many maps it takes."""
    parts = []
    for legend, frame in _sections(result, False):
        parts.append(legend)
        if len(frame):
            parts.append(text.columns([["", *frame], *frame.reset_index().to_numpy().tolist()]))
    return "\n\n".join(parts)


def summary(result: Result) -> str:
    """Says as Markdown what was replaced and what it carries."""
    settings, ((title, _), *sections) = result.settings, _sections(result, True)
    gaps = result.table("checks").groupby("patch")["max_difference"].max()
    checkpoint = settings["checkpoint"]
    parts = [
        f"# Interventions: {title}",
        f"{settings['n_bases']} base vectors; checkpoint {checkpoint['prefix']}, step "
        f"{checkpoint['step']}. Nothing replaced leaves every output as it is (largest difference "
        f"{gaps['none']:g}).",
    ]
    parts += [WHOLE.format(gaps["whole"])] if "whole" in gaps else []
    for legend, frame in sections:
        parts.append(legend)
        if len(frame):
            parts.append(text.table(frame.reset_index(names=""), [*map(str, frame)]))
    return "\n\n".join([*parts, LIMITS]) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them; those without a value are left out."""
    from wavegan_tf.output.figures_intervene import drawings

    return {name: functools.partial(draw, result) for name, draw in drawings(result).items()}
