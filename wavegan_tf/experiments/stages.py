"""Designs that are generated and measured one after the other, their outputs numbered on; codes."""

import collections
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import properties
from wavegan_tf.experiments.listen import Measuring, listen
from wavegan_tf.experiments.properties import Labels
from wavegan_tf.latents import Condition, Design, latent_names
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.stats import factorial
from wavegan_tf.stats.ranking import BINARY, CONTINUOUS

DRAWN, SCREEN, PROOF, CODES, PAIRS = "drawn", "screen", "proof", "codes", "pairs"

MAX_CODES = 64  # of a fiwGAN that are generated at each level: 2^6


class Stages:
    """Generates and measures designs, one after the other."""

    def __init__(
        self, model: Model, options: Measuring, wanted: Any, directory: str | None
    ) -> None:
        """Begins without a stage; ``directory`` is for the sounds of the first."""
        self.config, self.wanted = model.config, wanted
        self._model, self._directory = model, directory
        self._measuring = options
        self._parts: dict[str, list[pd.DataFrame]] = collections.defaultdict(list)
        self._count = 0
        self.settings: dict[str, Any] = {}

    def add(self, stage: str, design: Design) -> pd.DataFrame:
        """Generates and measures a design.

        Returns:
            Its table, with the property in the column ``share`` or ``mean`` and, of a yes or no in
            the stage of the proof, its doses.
        """
        wanted, drawn = self.wanted, stage == DRAWN
        doses = stage == PROOF and wanted is not None and wanted.kind == BINARY
        measures = ["duration", *["intensity"] * doses, *(wanted.measures if wanted else ())]
        heard = listen(
            self._model, design, self._measuring, measures=list(dict.fromkeys(measures)),
            directory=self._directory if drawn else None, label=stage,
            keep_audio=drawn and self._measuring.audio,
        )  # fmt: skip
        self.settings = self.settings or heard.settings
        parts = {name: heard.tables[name] for name in ("latents", "outputs", "intervals", "points")}
        for name, part in ({"design": design.table} | parts).items():
            part = part.assign(output=part["output"] + self._count)
            if name != "latents":
                part.insert(0, "stage", stage)
            self._parts[name].append(part)
        self._count += len(design.z)
        if wanted is None:
            return design.table
        y = properties.label_outputs(wanted, parts["outputs"], parts["intervals"])
        found = y.to_frame(wanted.measure)
        if doses:
            found = found.join(properties.doses(parts["points"], y))
        return design.table.join(found.reset_index(drop=True))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Joins ``design, latents, outputs, intervals, points`` of all stages.

        Texts that repeat stay categories, missing ones are empty.
        """
        joined = {}
        for name, parts in self._parts.items():
            texts = [x for x in parts[0] if x == "stage" or parts[0][x].dtype == "category"]
            filled = [part for part in parts if len(part)] or parts[:1]
            whole = pd.concat([part.astype(dict.fromkeys(texts, object)) for part in filled])
            whole = whole.fillna(dict.fromkeys(whole.select_dtypes(object), ""))
            joined[name] = whole.astype(dict.fromkeys(texts, "category")).reset_index(drop=True)
        return joined


def count_clipped(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Takes the share of outputs with clipped samples under each value of latents set alone."""
    first = tables["outputs"].query("channel == 1")
    clipped = pd.DataFrame({"output": first["output"], "clipped": first["clipped_share"] > 0})
    rows = tables["design"].merge(clipped, on="output")
    by = [name for name in ("stage", "value", "value_a", "value_b") if name in rows]
    groups = rows.groupby(by, dropna=False, observed=True)
    return groups["clipped"].agg(estimate="mean", n="size").reset_index()


def condition(settings: dict[str, float], **about: Any) -> Condition:
    """Sets latents; ``about`` are further columns of the design."""
    name = ",".join(f"{latent}={value:g}" for latent, value in settings.items())
    return Condition(name, settings, about)


def code_conditions(config: ModelConfig, levels: Sequence[float]) -> list[Condition]:
    """Sets codes: of a ciwGAN each variable alone, of a fiwGAN every combination of bits.

    Raises:
        InputError: These are more than :data:`MAX_CODES`.
    """
    names = latent_names(config)[: config.num_categ]
    codes = [(name, {name: 1}) for name in names]
    if config.model == "fiwgan":
        if 2 ** len(names) > MAX_CODES:
            raise InputError(
                f"--code_outputs: the {len(names)} bits of this fiwgan make {2 ** len(names)} "
                f"codes, more than {MAX_CODES}; --code_outputs=0 leaves them out, and "
                "--pairs=c1*c2 looks at single bits"
            )
        every = itertools.product((0, 1), repeat=len(names))
        codes = [(_code_name(bits), dict(zip(names, bits, strict=True))) for bits in every]
    return [
        condition({c: level * on for c, on in code.items()}, code=name, value=level)
        for name, code in codes
        for level in levels
    ]


def with_other_codes(design: Design, config: ModelConfig) -> Design:
    """Gives outputs of which a one-hot code variable is set to 0 another code, each in turn.

    In training such a variable is 0 because another is 1; a code of zeros never comes.
    """
    z, table, k = design.z.copy(), design.table, config.num_categ
    if config.model == "ciwgan" and k > 1:
        for row, (latent, value, base) in enumerate(
            table[["latent", "value", "base"]].itertuples(index=False)
        ):
            if latent[0] == "c" and value == 0:
                other = int(latent[1:]) + int(base) % (k - 1)  # of c1 index 1 ..
                z[row, :k] = 0
                z[row, other % k] = 1
    return design._replace(z=z)


def label_codes(z: np.ndarray, config: ModelConfig, labels: Labels) -> pd.DataFrame:
    """Puts labels given by hand, which new outputs cannot have, beside the codes of the outputs.

    Returns ``code, value, label`` in order of the codes; no rows of numbers or without a code.
    """
    texts = labels.texts
    if texts is None or labels.kind == CONTINUOUS or not config.num_categ:
        return pd.DataFrame()
    codes = z[:, : config.num_categ].astype(int)
    names = [_code_name(bits) for bits in codes.tolist()]
    if config.model == "ciwgan":
        names = [f"c{k + 1}" for k in codes.argmax(axis=1)]
    own, numbers = properties.as_numbers(texts)
    if own == BINARY:
        texts = pd.Series(numbers).map({1.0: "yes", 0.0: factorial.NOT})
    coded = pd.DataFrame({"code": names, "value": 1.0, "label": texts, "length": map(len, names)})
    return coded.sort_values(["length", "code"], ignore_index=True)  # c2 before c10


def _code_name(bits: Sequence[int]) -> str:
    """Names a code of a fiwGAN as the papers do: ``[1,0,1]``."""
    return f"[{','.join(map(str, bits))}]"
