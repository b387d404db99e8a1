"""What share of an effect do parts of a layer carry?

Each base latent vector is generated under ``--from`` and under ``--to``; the difference is the
effect. Then a part of a layer is replaced in the first by that of the second, and the Generator
runs on from there: the share of the effect that follows is what this part carries. A WHOLE layer
always carries all of it: the Generator is a chain, and nothing gets past a layer. Every run checks
this (table ``checks``); it is no finding. With ``--by=mean`` or a factor there is no other output:
parts become their mean over the outputs or are scaled, and the change in the output is told.
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
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Condition, cross, latents_table, parse_settings
from wavegan_tf.model import BATCH, Model, batches, layers_table
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.outputs import Measurements, Output, Plan, measure_outputs
from wavegan_tf.speech.settings import UNITS, IntervalSettings, PraatSettings
from wavegan_tf.stats import interventions as stats
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "intervene"
HELP = "Replaces parts of a layer by those of another output: what share of an effect is theirs?"

SCAN = "scan"
VOICED = ("f0", "intensity", "f1", "f2")  # measured by Praat, means over voiced intervals
SEED = 0  # of the resampling: the same values give the same numbers in all runs

TOLERANCE = 1e-5
"""A whole layer of the other output gives the other output, but for this (full scale 1)."""

ALL_UNITS = stats.UNITS | {"n_voiced": "1", "frication": "1"} | {m: UNITS[m] for m in VOICED}
"""Every measure that interventions are judged by, with its unit. ``n_voiced`` is the number of
voiced intervals, ``frication`` the share of outputs that have some."""


@dataclass(frozen=True)
class Options:
    """What is replaced, and how outputs are measured."""

    from_: str = option("", "Settings of the outputs that are intervened on: c1=1.", flag="from")
    to: str = option("", "Settings of the outputs that parts are taken from: c2=1.")
    n: int = option(25, "Number of base latent vectors.", low=1)
    layers: str = option("all", "Layers that are intervened on: conv3,conv4; all but the output.")
    patch: tuple[str, ...] = option(
        (*stats.PARTS, SCAN),
        "Parts of each layer: average (the mean over the maps, all moved alike), gain (the same by "
        "scaling), rest (all but the average), scan (each map alone, then the best together).",
    )
    maps: tuple[str, ...] = option((), "Feature maps replaced together: conv2:3,17.", repeated=True)
    window_s: tuple[str, ...] = option(
        (), "Stretches replaced one by one: 0.1,0.3 (s), or 0:1:0.1 (all, by steps).", repeated=True
    )
    by: str = option(
        "other", "What replaces a part: other (that of --to), mean (over outputs) or a factor."
    )
    seed: int = option(0, "Seed of the latent vectors.", group="Latents", low=0)
    set: str = option("", "Variables held at a value: c1=1,z11=-5.", group="Latents")
    scan_by: str | None = option(
        None, "Measure whose share the scan tells: shape if not given.",
        group="Statistics", choices=tuple(stats.UNITS),
    )  # fmt: skip
    praat: PraatSettings = field(default_factory=PraatSettings)
    intervals: IntervalSettings = field(default_factory=IntervalSettings)
    f0_two_pass: bool = option(
        False, "Two passes of F0: each output is measured in a range of its own.", group="Praat"
    )
    audio: bool = option(False, "Sounds of every output as WAV with a TextGrid.", group="Output")
    jobs: int | None = option(
        None, "Number of processes that measure; all cores if not given.", group="Output", low=1
    )
    statistics: StatisticsSettings = StatisticsSettings()

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)


class Cell(NamedTuple):
    """One intervention: a layer, what is replaced of it, and which maps (from 1) or which time.

    ``patch`` is one of ``stats.PARTS``, ``maps`` or ``window``.
    """

    layer: str
    patch: str
    maps: tuple[int, ...] = ()
    start_s: float = math.nan
    end_s: float = math.nan

    @property
    def name(self) -> str:
        """Names it: ``conv2 maps 3,17`` or ``conv3 window 0.1-0.2``."""
        window = f"{self.start_s:g}-{self.end_s:g}" if self.patch == "window" else ""
        parts = self.layer, self.patch, ",".join(map(str, self.maps)), window
        return " ".join(filter(None, parts))

    def about(self) -> dict[str, Any]:
        """Gives its columns of a table."""
        return self._asdict() | {"maps": ",".join(map(str, self.maps))}

    def apply(self, own: np.ndarray, donor: np.ndarray, rate_hz: float) -> np.ndarray:
        """Replaces the part of an activation, [batch, time, maps]."""
        if self.patch == "maps":
            return np.where(np.isin(np.arange(own.shape[2]) + 1, self.maps), donor, own)
        if self.patch == "window":
            times_s = (np.arange(own.shape[1]) + 0.5) / rate_hz
            inside = (times_s >= self.start_s) & (times_s < self.end_s)
            return np.where(inside[np.newaxis, :, np.newaxis], donor, own)
        return stats.replace_part(own, donor, self.patch)


class Batch(NamedTuple):
    """The bases ``here``, ``size`` of them: activations by layer, [BATCH, time, maps].

    ``donor`` is the other end, or what replaces a part; ``another`` the other end of the next base
    (of the last the first), as a control; None without another end, or with one base.
    """

    here: slice
    size: int
    own: dict[str, np.ndarray]
    donor: dict[str, np.ndarray]
    another: dict[str, np.ndarray] | None


class Ends:
    """A Generator, latent vectors at both ends of an effect, and what replaces parts of layers."""

    def __init__(
        self,
        model: Model,
        start: np.ndarray,
        end: np.ndarray | None,
        by: str | float,
        split_hz: float,
    ):
        """Takes latent vectors [n, latent_dim]; ``end`` is None without another end."""
        self.model, self.start, self.end, self.by, self.split_hz = model, start, end, by, split_hz
        self.rates_hz = {layer.name: layer.rate_hz for layer in model.config.layers}
        self._means: dict[str, np.ndarray] = {}
        if by == "mean":
            sums: dict[str, Any] = {}
            for k, z in enumerate(batches(start)):
                for name, x in model.activations(z).items():
                    here = x[: len(start) - k * BATCH]
                    sums[name] = sums.get(name, 0.0) + here.sum(axis=0, dtype=np.float64)
            self._means = {name: (x / len(start)).astype(np.float32) for name, x in sums.items()}

    def batches(self) -> Iterator[Batch]:
        """Yields the outputs at both ends, with every layer's activation."""
        n = len(self.start)
        for k, z in enumerate(batches(self.start)):
            own, another = self.model.activations(z), None
            if self.end is not None:
                donor = self.model.activations(batches(self.end)[k])
                if n > 1:
                    another = self.model.activations(batches(np.roll(self.end, -1, axis=0))[k])
            elif self.by == "mean":
                donor = {m: np.broadcast_to(self._means[m], x.shape) for m, x in own.items()}
            else:
                donor = {m: (x * self.by).astype(np.float32) for m, x in own.items()}
            here = slice(k * BATCH, min(n, (k + 1) * BATCH))
            yield Batch(here, here.stop - here.start, own, donor, another)

    def patched(self, cell: Cell, batch: Batch, donor: dict[str, np.ndarray]) -> np.ndarray:
        """Makes the outputs [BATCH, slice_len, channels] of an intervention."""
        ends = batch.own[cell.layer], donor[cell.layer]
        activation = cell.apply(*ends, self.rates_hz[cell.layer])
        return self.model.run_from(cell.layer, activation)["out"]

    def outputs(self, batch: Batch, cells: Sequence[Cell]) -> list[np.ndarray]:
        """Makes the outputs of a batch: from, to if there is another, cells, and their controls."""
        made = [batch.own["out"]] + ([] if self.end is None else [batch.donor["out"]])
        for name, x in zip(("from", "to"), made, strict=False):
            if not np.isfinite(x[: batch.size]).all():
                raise InputError(
                    f"--{name}: the Generator puts out NaN or infinity; take values nearer to "
                    "those of training (-1 .. 1)"
                )
        donors = [x for x in (batch.donor, batch.another) if x is not None]
        return made + [self.patched(cell, batch, donor) for donor in donors for cell in cells]

    def check(self, batch: Batch) -> dict[tuple[str, str], float]:
        """Compares nothing replaced with the output, and a whole layer with the other output.

        Returns:
            The largest difference of a sample by (layer, ``none`` or ``whole``).

        Raises:
            RuntimeError: One is above :data:`TOLERANCE`: the Generator would be no chain.
        """
        sides = {"none": batch.own} | ({} if self.end is None else {"whole": batch.donor})
        found = {}
        for layer in [layer for layer in batch.own if layer != "out"]:
            for patch, side in sides.items():
                out = self.model.run_from(layer, side[layer])["out"]
                found[layer, patch] = float(np.abs(out - side["out"])[: batch.size].max())
                if not found[layer, patch] <= TOLERANCE:
                    gap = found[layer, patch]
                    raise RuntimeError(f"{layer}, {patch} replaced: differs by {gap:g}")
        return found

    def reference(self, batch: Batch) -> stats.Reference:
        """Prepares what outputs are compared with: the other output, else the untouched one."""
        other = (batch.own if self.end is None else batch.donor)["out"]
        rate_hz = self.model.config.sample_rate
        return stats.make_reference(other, batch.own["out"], rate_hz, self.split_hz)

    def levels(self, batch: Batch, sounds: list[np.ndarray], cells: Sequence[Cell]) -> np.ndarray:
        """Measures the outputs of a batch: [BATCH, outputs, measures], :data:`LEVELS`.

        ``waveform_scaled`` and the like are what a gain of ``from`` reaches, of a window one within
        that stretch of time; NaN of ``to`` and of controls.
        """
        reference = self.reference(batch)
        found = [stats.measure_sounds(sound, reference) for sound in sounds]
        times_s = (np.arange(sounds[0].shape[1]) + 0.5) / reference.rate_hz
        reached: dict[tuple[float, ...], dict[str, np.ndarray]] = {}
        for k, cell in enumerate([None, *cells] if self.end is not None else []):
            window = (cell.start_s, cell.end_s) if cell and cell.patch == "window" else ()
            if window not in reached:
                inside = (times_s >= window[0]) & (times_s < window[1]) if window else None
                reached[window] = stats.scaled_distances(sounds[0], reference, inside)
            found[k + 1 if k else 0] |= {f"{m}_scaled": x for m, x in reached[window].items()}
        nothing = np.full(len(sounds[0]), math.nan)
        return np.array([[x.get(m, nothing) for m in LEVELS] for x in found]).transpose(2, 0, 1)

    def scan(
        self, layer: Layer, measure: str, start: np.ndarray, end: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Intervenes on each feature map of a layer alone, then on the first 1, 2, .. together.

        Returns:
            ``from`` and ``to`` [n], the measure at both ends as given; ``single`` [maps, n], with
            each map alone; ``order`` [maps], counted from 1, from the greatest share of the effect
            to the least; ``cumulative`` [maps, n], with the first 1, 2, .. of that order.
        """
        single = self._with_maps(layer, measure, [[m + 1] for m in range(layer.channels)])
        change = (single - start).mean(axis=1) / (end - start).mean()
        order = np.argsort(-change, kind="stable") + 1
        sets = [order[: k + 1] for k in range(layer.channels)]
        together = self._with_maps(layer, measure, sets)
        return {"from": start, "to": end, "single": single, "order": order, "cumulative": together}

    def _with_maps(self, layer: Layer, measure: str, sets: Sequence) -> np.ndarray:
        """Measures with each set of maps replaced, [sets, n]."""
        found = np.zeros([len(sets), len(self.start)])

        def work() -> Iterator[None]:
            for batch in self.batches():
                reference = self.reference(batch)
                for i, maps in enumerate(sets):
                    sound = self.patched(Cell(layer.name, "maps", tuple(maps)), batch, batch.donor)
                    values = stats.measure_sounds(sound, reference)[measure]
                    found[i, batch.here] = values[: batch.size]
                    yield

        total = len(sets) * len(batches(self.start))
        for _ in progress(work(), total, f"scanning {layer.name}"):
            pass
        return found


NEEDED = ["layer", "share", "n_maps", "maps"]  # columns
LEVELS = (*stats.UNITS, *(f"{measure}_scaled" for measure in stats.DISTANCES))


def run(model: Model, options: Options = Options(), directory: str | None = None) -> Result:
    """Intervenes on the layers of a Generator and judges what follows.

    Raises:
        InputError: An option breaks its rule, or both ends have the same latent vectors.
    """
    config, by, n = model.config, parse_by(options.by), options.n
    check_together(options)
    layers, other = choose_layers(options.layers, config), by == "other"
    cells = make_cells(options, layers, config)
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
            f"--from={options.from_} --to={options.to}: give the same latent vectors, so there is "
            "no effect; give different settings"
        )
    ends = Ends(model, start, end, by, options.intervals.frication_above_hz)
    audio_dir = os.path.join(directory, "audio") if directory and options.audio else None
    if audio_dir:
        os.makedirs(audio_dir)
    plan = Plan(
        layers=config.layers[-1:], target="out", sample_rate_hz=config.sample_rate,
        slice_len=config.slice_len, praat=options.praat, intervals=options.intervals,
        f0_two_pass=options.f0_two_pass, audio_dir=audio_dir,
    )  # fmt: skip
    levels = np.empty([n, width, len(LEVELS)])
    checks: dict[tuple[str, str], float] = {}

    def outputs() -> Iterator[Output]:
        for batch in ends.batches():
            for key, gap in ends.check(batch).items():
                checks[key] = max(gap, checks.get(key, 0.0))
            sounds = ends.outputs(batch, cells)
            levels[batch.here] = ends.levels(batch, sounds, cells)[: batch.size]
            for k in range(batch.size * width):
                sound = sounds[k % width][k // width]
                series = sound[:, 0] if sound.shape[1] == 1 else sound
                yield Output(batch.here.start * width + k, 0, {"out": series})

    measured = Measurements(plan)
    results = measure_outputs(outputs(), plan, num_processes(options.jobs))
    for result in progress(results, n * width, "measuring"):
        measured.add(result)
    tables = measured.tables()
    del tables["points"]
    values = {name: levels[:, :, k] for k, name in enumerate(LEVELS)}
    values |= output_means(tables["outputs"], tables["intervals"], n, width)
    tables |= {
        "compared": pd.DataFrame(levels.reshape(n * width, -1), columns=LEVELS),
        "checks": pd.Series(checks)
        .rename_axis(["layer", "patch"])
        .reset_index(name="max_difference"),
        "design": design.table,
        "latents": latents_table(design.z, config)[design.table["output"] % width < n_ends],
        "layers": layers_table(layers),
    }
    tables["compared"].insert(0, "output", design.table["output"])
    sides = [_sides(values, k, n_ends, len(cells), width) for k in range(len(cells))]
    judged = stats.judge(sides, other, SEED, options.statistics)
    judged.insert(2, "unit", judged["measure"].map(ALL_UNITS))
    about = pd.DataFrame([cell.about() for cell in cells])
    judged = about.join(judged.set_index("cell"), how="right") if cells else judged
    tables["interventions"] = judged.reset_index(drop=True)
    scan, scanned = (options.scan_by or "shape") if other else "waveform", {}
    if SCAN in options.patch:
        ways = values[scan][:, 0], _end(values, scan, n_ends)
        scanned = {layer.name: ends.scan(layer, scan, *ways) for layer in layers}
        gain = values[f"{scan}_scaled"][:, 0] if other and scan in stats.DISTANCES else None
        tables["maps"], tables["needed"] = scan_tables(scanned, scan, gain, options.statistics)
    record = {
        "checkpoint": model.checkpoint, "model": config.to_dict(), "by": by, "from": options.from_,
        "to": options.to, "n_bases": n, "scan": scan if scanned else None,
        "sample_rate_hz": config.sample_rate, "slice_len": config.slice_len, "target": "out",
        "praat": dataclasses.asdict(options.praat),
        "intervals": dataclasses.asdict(options.intervals),
    }  # fmt: skip
    arrays = {f"{layer}_{k}": x for layer, found in scanned.items() for k, x in found.items()}
    return Result(NAME, record, tables, {"scan": arrays} if arrays else {}, directory)


def output_means(
    outputs: pd.DataFrame, intervals: pd.DataFrame, n_bases: int, n_conditions: int
) -> dict[str, np.ndarray]:
    """Averages over voiced intervals and channels: by measure [bases, conditions], NaN for none."""
    outputs = outputs[outputs["measured"]]
    voiced = intervals[(intervals["label"] == "voiced") & np.isfinite(intervals["value"])]
    found = {
        "n_voiced": outputs.assign(value=outputs["n_voiced"]),
        "frication": outputs.assign(value=outputs["n_frication"] > 0),
    } | {measure: voiced[voiced["measure"] == measure] for measure in VOICED}
    means = {}
    for name, rows in found.items():
        at, size = rows["output"].to_numpy(int), n_bases * n_conditions
        with np.errstate(invalid="ignore"):
            means[name] = np.bincount(at, rows["value"], size) / np.bincount(at, minlength=size)
        means[name] = means[name].reshape(n_bases, n_conditions)
    return means


def _end(values: dict[str, np.ndarray], measure: str, n_ends: int) -> np.ndarray:
    """Gives the other end; without one, of the waveform the power of the untouched output."""
    if n_ends == 2:
        return values[measure][:, 1]
    power = 10 ** (values["rms"][:, 0] / 10)
    return power if measure == "waveform" else np.full(len(power), math.nan)


def _sides(
    values: dict[str, np.ndarray], k: int, n_ends: int, n_cells: int, n_conditions: int
) -> dict[str, np.ndarray]:
    """Collects what intervention ``k`` is judged by: by measure [5, bases]."""
    nothing, at, found = np.full(len(values["rms"]), math.nan), n_ends + k, {}
    for measure in ALL_UNITS:
        x, scaled = values[measure], values.get(f"{measure}_scaled")
        control = x[:, at + n_cells] if n_conditions > n_ends + n_cells else nothing
        reached = nothing if scaled is None else scaled[:, at]
        ends = x[:, 0], _end(values, measure, n_ends)
        found[measure] = np.stack([*ends, x[:, at], control, reached])
    return found


def scan_tables(
    scanned: dict[str, dict[str, np.ndarray]],
    measure: str,
    gain: np.ndarray | None,
    settings: StatisticsSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tells what :meth:`Ends.scan` found, by layer; ``gain`` is the distance at the best gain [n].

    Returns:
        A row for each map: its share ``estimate`` with ``low``, ``high``; its ``rank``; the share
        of the first ``rank`` maps ``cumulative`` with its interval; ``scaled``, the share that a
        gain reaches; ``n`` bases. And a row for each layer and share of what all its maps do: the
        number of maps that bring it about, ``n_maps``, of ``maps``.
    """
    tables, needed = [], []
    for layer, found in scanned.items():
        start, rank = found["from"], np.argsort(found["order"])
        given = (found["to"] - start, SEED, settings)
        together = stats.shares(found["cumulative"] - start, *given)
        table = pd.DataFrame({"layer": layer, "map": np.arange(len(rank)) + 1, "measure": measure})
        alone = stats.shares(found["single"] - start, *given)
        table["estimate"], table["low"], table["high"] = alone
        table["rank"] = rank + 1
        for suffix, x in zip(("", "_low", "_high"), together, strict=True):
            table[f"cumulative{suffix}"] = x[rank]
        reached = math.nan if gain is None else stats.shares((gain - start)[None], *given)[0][0]
        table["scaled"] = reached
        tables.append(table.assign(n=len(start)))
        needed += [
            dict(zip(NEEDED, (layer, part, count, len(rank)), strict=True))
            for part, count in stats.maps_needed(together[0]).items()
        ]
    return pd.concat(tables, ignore_index=True), pd.DataFrame(needed)


def _inner(config: ModelConfig, name: str, given: str) -> Layer:
    known = {layer.name: layer for layer in config.layers[:-1]}
    if name not in known:
        raise InputError(
            f"{given}: no layer {name!r} with feature maps; there are {', '.join(known)}"
        )
    return known[name]


def choose_layers(given: str, config: ModelConfig) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``; the audio is no layer of maps."""
    if given == "all":
        return config.layers[:-1]
    wanted = [_inner(config, x.strip(), f"--layers={given}") for x in given.split(",")]
    return tuple(layer for layer in config.layers if layer in wanted)


def parse_by(given: str) -> str | float:
    """Reads ``--by``: ``other``, ``mean`` or a factor, 0 or more, but 1."""
    if given in ("other", "mean"):
        return given
    try:
        factor = float(given)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < math.inf or factor == 1:
        raise InputError(
            f"--by={given}: must be other, mean, or a finite factor of 0 or more but 1, which "
            "changes nothing; --by=0 silences"
        )
    return factor


def check_together(options: Options) -> None:
    """Refuses options that have no meaning together."""
    if options.by == "other" and options.from_ == options.to:
        raise InputError(
            f"--from={options.from_} --to={options.to}: the same, so there is no effect; give "
            "different settings, or --by=0 to silence"
        )
    if options.by != "other" and options.to:
        raise InputError(
            f"--to={options.to}: has no meaning with --by={options.by}, which takes nothing from "
            "another output; leave one of them out"
        )
    if options.by != "other" and options.scan_by not in (None, "waveform"):
        raise InputError(
            f"--scan_by={options.scan_by}: with --by={options.by} only the waveform's change is a "
            "share of something; leave it out"
        )


def make_cells(options: Options, layers: Sequence[Layer], config: ModelConfig) -> list[Cell]:
    """Lists the interventions that the options describe, layer by layer."""
    for patch in options.patch:
        if patch not in (*stats.PARTS, SCAN):
            raise InputError(
                f"--patch={','.join(options.patch)}: no part {patch!r}; choose of "
                f"{', '.join((*stats.PARTS, SCAN))}"
            )
    chosen = dict.fromkeys(parse_maps(given, config) for given in options.maps)
    stretches = [x for given in options.window_s for x in parse_windows(given, layers, config)]
    cells = []
    for layer in config.layers[:-1]:
        if layer in layers:
            cells += [Cell(layer.name, part) for part in stats.PARTS if part in options.patch]
            cells += [Cell(layer.name, "window", (), *ends) for ends in dict.fromkeys(stretches)]
        cells += [cell for cell in chosen if cell.layer == layer.name]
    if not cells and SCAN not in options.patch:
        raise InputError("--patch=: nothing to do; name a part, --maps or --window_s")
    return cells


def parse_maps(given: str, config: ModelConfig) -> Cell:
    """Reads ``conv2:3,17``: a layer and feature maps of it, counted from 1."""
    match = re.fullmatch(r"\s*(\w+):\s*(\d+(?:\s*,\s*\d+)*)\s*", given, re.ASCII)
    if not match:
        raise InputError(f"--maps={given}: expected LAYER:MAPS, for example conv2:3,17")
    layer = _inner(config, match[1], f"--maps={given}")
    maps = sorted(int(number) for number in match[2].split(","))
    if len(set(maps)) < len(maps):
        raise InputError(f"--maps={given}: name each map once: conv2:3,17")
    for number in maps:
        if not 1 <= number <= layer.channels:
            rule = f"{layer.name} has {layer.channels}: 1 .. {layer.channels}"
            raise InputError(f"--maps={given}: no map {number}; {rule}")
    return Cell(layer.name, "maps", tuple(maps))


def parse_windows(
    given: str, layers: Sequence[Layer], config: ModelConfig
) -> list[tuple[float, float]]:
    """Reads ``0.1,0.3``, one stretch, or ``0:1:0.1``, stretches of 0.1 s from 0 to 1 s."""
    duration_s, number = config.slice_len / config.sample_rate, r"(\d*\.?\d+)"
    match = re.fullmatch(f"{number},{number}|{number}:{number}:{number}", given)
    if not match:
        raise InputError(
            f"--window_s={given}: expected START,END or START:END:STEP in s, for example 0.1,0.3 "
            "or 0:1:0.1"
        )
    start_s, end_s, *step = (float(x) for x in match.groups() if x is not None)
    if not start_s < end_s <= duration_s:
        raise InputError(
            f"--window_s={given}: must begin before it ends, within the output, 0 .. {duration_s:g}"
        )
    step_s = step[0] if step else end_s - start_s
    count = (end_s - start_s) / step_s if step_s else 0
    if not 1 <= round(count) <= 1000 or abs(count - round(count)) > 1e-6:
        raise InputError(
            f"--window_s={given}: steps of {step_s:g} must lead from {start_s:g} to {end_s:g}, "
            f"1000 at most; give one that divides {end_s - start_s:g}"
        )
    edges = [round(start_s + i * step_s, 9) for i in range(round(count) + 1)]
    stretches = list(zip(edges, edges[1:], strict=False))
    for layer in layers:
        for first_s, last_s in stretches:
            i = math.ceil(first_s * layer.rate_hz - 0.5)  # sample i stands at (i + 0.5) / rate
            if not (i + 0.5) / layer.rate_hz < last_s:
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
    "estimate": "Share of the effect, all of it is 1: * carries, = no more than a gain does, ~ "
    "opposes, ^ overshoots, unmarked none shown, - no effect on the measure shown, . too few. Any "
    "gain: the untouched output, louder or quieter, at its nearest.",
    "change": "Change against the untouched output: * shown, . too few. Waveform, shape and "
    "spectrum are distances from the untouched output, of which there is no test.",
    "control": "The same with the part of another base vector's output, which brings about what "
    "outputs at the other end have in common: + the right output's does more, - it does less.",
}
WHOLE = (
    "A whole layer of the other output gives the other output, at any depth (largest difference "
    "{:g}): the Generator is a chain, so that every whole layer carries all of the effect by "
    "construction. What follows is of parts of layers. Their shares need not add up to 1; below 0 "
    "an intervention leads away from the other output. The waveform asks for the same samples, "
    "phases included; the spectrum (60 dB of range) does not; the shape (1 - r²) knows no loudness."
)
LIMITS = (
    "An activation that was put together from two outputs, or silenced, is none that the network "
    "ever made: what it does there is not what the layer does in use."
)


def _cell(row: Any, key: str, intervals: bool) -> str:
    """Writes a share or change with its mark."""
    if not np.isfinite(row[key]):
        return MARKS.get(row["verdict"], "") if key != "control" else ""
    mark = MARKS.get(row["verdict"], "")
    if key == "control":
        mark = "+" if row["specific_low"] > 0 else "-" if row["specific_high"] < 0 else ""
    prefix = "" if key == "estimate" else f"{key}_"
    ends = (row[f"{prefix}low"], row[f"{prefix}high"]) if intervals else (math.nan, math.nan)
    write = text.number if key == "change" else text.fixed
    return text.with_interval(row[key], ends[0], ends[1], write=write) + mark


def _parts(result: Result, key: str, intervals: bool) -> pd.DataFrame:
    """Writes a row for each part and a column for each measure that has a value."""
    from wavegan_tf.output import figures_intervene as names

    rows = result.table("interventions")
    told = rows.groupby("measure")[key].transform(lambda x: np.isfinite(x).any())
    table: dict[str, dict[str, str]] = {}
    for row in rows[told].to_dict("records"):
        unit = row["unit"] if key == "change" else ""
        column = table.setdefault(names.measure_name(row["measure"], result, unit), {})
        if key == "estimate" and row["patch"] != "window" and math.isfinite(row["scaled"]):
            column["any gain"] = text.fixed(row["scaled"])
        part = f"{layer_title(row['layer'])} {names.part_title(row)}"
        column[part] = _cell(row, key, intervals)
    order = dict.fromkeys(part for column in table.values() for part in column)
    return pd.DataFrame({m: {x: column.get(x, "") for x in order} for m, column in table.items()})


def _sections(result: Result, intervals: bool) -> list[tuple[str, pd.DataFrame]]:
    """Lists legends and tables: what parts do, what another base's do, how many maps it takes."""
    from wavegan_tf.output import figures_intervene as names

    rows, (key, *_), found = result.table("interventions"), names.key_of(result), []
    for shown in (key, "control") if len(rows) else ():
        if np.isfinite(rows[shown]).any():
            found.append((LEGENDS[shown], _parts(result, shown, intervals)))
        elif shown == key:
            found.append((
                f"No share can be told: {result.settings['n_bases']} base latent vectors (--n), or "
                "no measure on which an effect is shown.", pd.DataFrame(),
            ))  # fmt: skip
    maps, needed = result.table("maps"), result.table("needed").reindex(columns=NEEDED)
    if len(maps):
        table = maps.groupby("layer", sort=False).size().rename("maps").to_frame()
        for share in stats.NEEDED:
            some = needed[needed["share"] == share].set_index("layer")["n_maps"]
            table[f"{share:.0%}"] = some.reindex(table.index).map(lambda x: f"{x:.0f}")
        gain = maps["scaled"].iloc[0]
        reached = f" Any gain of the untouched output: {gain:.2f}." if math.isfinite(gain) else ""
        found.append((
            f"{names.scan_title(result)}: maps that bring about so much of what all of them do, "
            f"the most effective first.{reached}",
            table.astype(str).replace("nan", text.DASH).rename(index=layer_title),
        ))  # fmt: skip
    return found


def terminal(result: Result) -> str:
    """Says in tables which parts carry the effect, and how many maps it takes."""
    from wavegan_tf.output import figures_intervene as names

    parts = [names.effect_title(result)]
    for legend, frame in _sections(result, False):
        parts.append(legend)
        if len(frame):
            head = ["", *map(str, frame)]
            parts.append(text.columns([head, *frame.reset_index().to_numpy().tolist()]))
    return "\n\n".join(parts)


def summary(result: Result) -> str:
    """Says as Markdown what was replaced and what it carries."""
    from wavegan_tf.output import figures_intervene as names

    settings = result.settings
    gaps = result.table("checks").groupby("patch")["max_difference"].max()
    parts = [
        f"# Interventions: {names.effect_title(result)}",
        f"{settings['n_bases']} base latent vectors; checkpoint "
        f"{settings['checkpoint']['prefix']}, step {settings['checkpoint']['step']}. Nothing "
        f"replaced leaves every output as it is (largest difference {gaps['none']:g}).",
    ]
    parts += [WHOLE.format(gaps["whole"])] if "whole" in gaps else []
    for legend, frame in _sections(result, True):
        parts.append(legend)
        if len(frame):
            parts.append(text.table(frame.reset_index(names=""), [str(name) for name in frame]))
    return "\n\n".join([*parts, LIMITS]) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them; those without a value are left out."""
    from wavegan_tf.output import figures_intervene as names

    return {name: functools.partial(draw, result) for name, draw in names.drawings(result).items()}
