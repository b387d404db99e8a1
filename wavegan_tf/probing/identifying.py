"""Which latent variable causes a property: generate, label, rank, and prove by generating again.

The steps of Beguš (2020, Frontiers in AI 3:44) and Beguš & Zhou (2022, section III-B2). Each stage
is a run of its own with a table steps.csv that says what was set in which output; what follows from
the files is computed by :mod:`wavegan_tf.report.identification`.
"""

import dataclasses
import itertools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wavegan_tf.analysis.causes.hand_labels import Labels
from wavegan_tf.analysis.causes.identify import IdentifySettings
from wavegan_tf.analysis.causes.properties import BINARY, CATEGORIES, Property
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.latents import apply_settings, latent_index, latent_names, sample_latents
from wavegan_tf.probing import run, sources
from wavegan_tf.report import identification, tables

MAX_CELLS = 64
"""Codes of a fiwGAN that are generated at each level: 2^6."""

WITHOUT_FINDING = 3
"""Latents that are proved where none is above chance."""

_CONTROL_STREAM = 7


@dataclass(frozen=True)
class Request:
    """What is asked of an identification.

    Attributes:
        wanted: The property, or None with labels alone.
        labels: By hand, or None.
        label: The text of the labels that is asked for, or None.
        seed: Of every draw.
        top: Latents to prove.
        controls: Latents not above chance that are generated beside them.
        values: That each is set to, ascending.
        proof_outputs: Base vectors, the same at every value of every latent.
        code_levels: Values of code variables.
        code_outputs: Base vectors of every code and level; 0 leaves codes out.
        pairs: ``--pairs``.
        pair_values: Of both latents of a pair, ascending.
        settings: Of the statistics.
    """

    wanted: Property | None
    labels: Labels | None
    label: str | None
    seed: int
    top: int
    controls: int
    values: tuple[float, ...]
    proof_outputs: int
    code_levels: tuple[float, ...]
    code_outputs: int
    pairs: str
    pair_values: tuple[float, ...]
    settings: IdentifySettings

    @property
    def kind(self) -> str:
        """Of what is ranked by: binary, continuous or categories."""
        if self.labels is None:
            return self.wanted.kind
        return self.labels.kind if self.label is None else BINARY

    def describe(self) -> dict:
        """What config.json says of it: enough to make every table again."""
        fields = ("label", "seed", "top", "controls", "values", "proof_outputs", "code_levels")
        fields += ("code_outputs", "pairs", "pair_values")
        return {
            "property": self.wanted.text if self.wanted else None,
            "by_hand": self.labels is not None,
            "kind": self.kind,
            **{name: getattr(self, name) for name in fields},
            "settings": dataclasses.asdict(self.settings),
        }


def parse_values(flag: str, texts: list[str], least: int, example: str) -> tuple[float, ...]:
    """Reads the values that latents are set to, into ascending order.

    Args:
        flag: Its name, ``--values``.
        texts: Its parts.
        least: How many are needed.
        example: Of the whole.

    Raises:
        InputError: One is no finite number or given twice, or they are too few.
    """
    given = f"{flag}={','.join(texts)}"
    try:
        values = sorted(float(text) for text in texts)
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        raise InputError(f"{given}: expected numbers, for example {example}")
    if len(set(values)) < len(values):
        raise InputError(f"{given}: a value is given twice; give each once")
    if len(values) < least:
        some = "at least 1 value is" if least == 1 else f"at least {least} values are"
        raise InputError(f"{given}: {some} needed, for example {example}")
    return tuple(values)


def parse_pairs(text: str, config) -> list[tuple[str, str]] | int:
    """Reads ``--pairs``.

    Args:
        text: ``z3*z7,c1*z2``, or ``top3`` for every pair of the three best latents.
        config: The model.

    Returns:
        Pairs of names; or how many of the best latents are paired, 0 for an empty text.

    Raises:
        InputError: Not of that form, no such latent, a latent with itself, or a pair twice.
    """
    if text.startswith("top"):
        if not text[3:].isdecimal() or int(text[3:]) < 2:
            raise InputError(f"--pairs={text}: expected top2, top3, ..")
        return int(text[3:])
    pairs = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        names = tuple(name.strip() for name in part.split("*"))
        if len(names) != 2:
            raise InputError(f"--pairs={text}: expected pairs such as z3*z7,c1*z2, or top3")
        for name in names:
            latent_index(name, config, f"--pairs={text}")
        if names[0] == names[1]:
            raise InputError(f"--pairs={text}: {part} is one latent; pair it with another")
        if {*names} in [{*pair} for pair in pairs]:
            raise InputError(f"--pairs={text}: {part} is given twice; name each pair once")
        pairs.append(names)
    return pairs or 0


def code_settings(config, levels: tuple[float, ...]) -> list[tuple[str, float, dict]]:
    """Codes to generate.

    Args:
        config: The model.
        levels: Values of a code variable that is on.

    Returns:
        Name, level and settings by variable: of a ciwGAN each variable alone, ``c1``; of a fiwGAN
        every combination of bits, ``[1,0,1]``. Empty for a model without a code.

    Raises:
        InputError: A fiwGAN has more than :data:`MAX_CELLS` codes.
    """
    names = [name for name in latent_names(config) if name.startswith("c")]
    if config.model != "fiwgan":
        return [(name, level, {name: level}) for name in names for level in levels]
    if 2 ** len(names) > MAX_CELLS:
        raise InputError(
            f"--code_outputs: the {len(names)} bits of this fiwgan make {2 ** len(names)} codes, "
            f"more than {MAX_CELLS}; --code_outputs=0 leaves them out, and --pairs=c1*c2 looks at "
            "single bits"
        )
    cells = []
    for bits in itertools.product((0, 1), repeat=len(names)):
        name = f"[{','.join(map(str, bits))}]"
        for level in levels:
            on = [level * bit for bit in bits]
            cells.append((name, level, dict(zip(names, on, strict=True))))
    return cells


def identify(
    directory: str,
    opened: Opened,
    latents: np.ndarray,
    request: Request,
    plan: dict,
    record: dict,
    progress: Callable,
    num_processes: int,
    keep_audio: bool = False,
) -> None:
    """Generates, labels, ranks, proves; writes every table but the summary.

    Args:
        directory: An empty directory.
        opened: The checkpoint.
        latents: Of the outputs to be labelled, ``[n, latent_dim]``.
        request: What is asked for.
        plan: As of :func:`wavegan_tf.probing.run.write_run`.
        record: What the command line adds to config.json.
        progress: Wraps an iterator, given its length and a label, to show how far it is.
        num_processes: That measure.
        keep_audio: Whether the sounds of the outputs to be labelled are written.

    Raises:
        InputError: The labels do not vary, or a pair is none of the model's.
    """
    pairs = parse_pairs(request.pairs, opened.config)
    with_codes = request.wanted is not None and request.wanted.kind == BINARY
    codes = []
    if with_codes and request.code_outputs:
        codes = code_settings(opened.config, request.code_levels)
    stage = _Stages(directory, opened, request, plan, record, progress, num_processes)
    drawn = record | {"identify": request.describe()}
    stage.generate("", latents, drawn, "drawing", stage.measures(), keep_audio)
    identification.write_labels(directory, request.wanted, request.labels)
    top = []
    if request.kind != CATEGORIES:
        top = choose_latents(identification.write_ranking(directory), request)
    bases = _bases(opened.config, len(latents), request)
    if request.wanted is not None and top:
        stage.prove(bases[: request.proof_outputs], *top)
    if codes:
        stage.vary_codes(bases[: request.code_outputs], codes)
    identification.write_codes(directory)
    if isinstance(pairs, int):
        pairs = list(itertools.combinations(top[0][:pairs], 2)) if pairs and top else []
    if pairs and request.wanted is not None:
        stage.pair(bases[: request.proof_outputs], pairs)


def _bases(config, n, request):
    """Base vectors: those that follow the first ``n`` of the draw, so that none was ranked by."""
    count = max(request.proof_outputs, request.code_outputs)
    return sample_latents(config, n + count, request.seed)[n:]


def choose_latents(ranking: list[dict], request: Request) -> tuple[list, list, dict]:
    """What is proved.

    Args:
        ranking: Rows of ranking.csv, in order.
        request: What is asked for.

    Returns:
        The best latents, those above chance first; where none is, the best
        :data:`WITHOUT_FINDING`. The controls, drawn from the others that are not above chance, in
        order of the ranking. The sign that favours the property of each latent that is set
        together with the others: those above chance or, where none is, all that are proved; empty
        for fewer than two.
    """
    above = [row for row in ranking if row["verdict"] == identification.ABOVE_CHANCE]
    others = [row for row in ranking if row["verdict"] != identification.ABOVE_CHANCE]
    count = request.top if above else min(request.top, WITHOUT_FINDING)
    proved = (above + others)[:count]
    top = [row["latent"] for row in proved]
    left = [
        row["latent"]
        for row in others
        if row["verdict"] == identification.NOT_ABOVE_CHANCE and row["latent"] not in top
    ]
    rng = np.random.default_rng([request.seed, _CONTROL_STREAM])
    drawn = rng.choice(len(left), min(request.controls, len(left)), replace=False)
    together = {
        row["latent"]: 1 if row["effect"] > 0 else -1
        for row in [x for x in proved if x in above] or proved
        if np.isfinite(row["effect"])
    }
    return top, [left[k] for k in sorted(drawn)], together if len(together) > 1 else {}


class _Stages:
    """The runs of an identification, each in a directory with steps.csv."""

    def __init__(self, directory, opened, request, plan, record, progress, num_processes):
        self.directory, self.opened, self.request, self.plan = directory, opened, request, plan
        self.record, self.progress, self.num_processes = record, progress, num_processes

    def generate(self, name, latents, record, label, measures, keep_audio=False):
        """Writes a run of the output alone; returns its directory."""
        directory = os.path.join(self.directory, name)
        os.makedirs(directory, exist_ok=True)
        asked = run.Request(
            layers="out",
            outputs=(0, len(latents)),
            num_processes=self.num_processes,
            keep_series=False,
            keep_audio=keep_audio,
        )
        run.write_run(
            directory,
            self.opened,
            sources.Latents(latents),
            asked,
            self.plan | {"measures": measures},
            record,
            lambda items, total: self.progress(items, total, label=label),
        )
        return directory

    def _vary(self, name, bases, cells, columns, record, label, measures):
        """Generates every base under every cell: settings by variable, and cells of steps.csv."""
        config = self.opened.config
        latents = [apply_settings(bases, settings, config) for settings, _ in cells]
        record = self.record | {"identify": self.request.describe() | record}
        directory = self.generate(name, np.concatenate(latents), record, label, measures)
        rows = (
            {"id": cell * len(bases) + base, "base": base} | about
            for cell, (_, about) in enumerate(cells)
            for base in range(len(bases))
        )
        tables.write_csv(os.path.join(directory, "steps.csv"), ("id", "base", *columns), rows)

    def measures(self, with_doses=False):
        """What has to be measured to decide the property, and for the doses.

        A third of the time that all measures take; probe.py makes them of the same latents.
        """
        wanted = self.request.wanted
        if wanted is None:
            return ("duration",)
        doses = ("intensity",) if with_doses and wanted.kind == BINARY else ()
        return tuple(dict.fromkeys(("duration", *doses, *wanted.measures)))

    def prove(self, bases, top, controls, together):
        """Each latent alone at every value; the best together, each with its favourable sign."""
        cells = [
            ({latent: value}, {"role": role, "latent": latent, "value": value})
            for role, latents in (("top", top), ("control", controls))
            for latent in latents
            for value in self.request.values
        ]
        name = " ".join(f"{'+' if sign > 0 else '-'}{x}" for x, sign in together.items())
        for size in sorted({abs(value) for value in self.request.values} - {0.0}):
            about = {"role": identification.TOGETHER, "latent": name, "value": size}
            if together:
                cells.append(({x: sign * size for x, sign in together.items()}, about))
        chosen = {"proved": top, "control_latents": controls, "together": together}
        columns = ("role", "latent", "value")
        self._vary("proof", bases, cells, columns, chosen, "proving", self.measures(True))
        identification.write_proof(self.directory)

    def vary_codes(self, bases, codes):
        """Every code at every level."""
        cells = [(settings, {"code": name, "value": level}) for name, level, settings in codes]
        columns = ("code", "value")
        self._vary("codes", bases, cells, columns, {}, "codes", self.measures())

    def pair(self, bases, pairs):
        """Both latents of each pair at every pair of values."""
        values = self.request.pair_values
        cells = [
            ({a: x, b: y}, {"latent_a": a, "value_a": x, "latent_b": b, "value_b": y})
            for a, b in pairs
            for x in values
            for y in values
        ]
        columns = ("latent_a", "value_a", "latent_b", "value_b")
        self._vary("pairs", bases, cells, columns, {}, "pairs", self.measures())
        identification.write_pairs(self.directory)
