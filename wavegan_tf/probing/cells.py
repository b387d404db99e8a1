"""What is intervened on: layers, parts of them, feature maps, stretches of time. No TensorFlow."""

import math
import re
from typing import NamedTuple

from wavegan_tf.analysis.causes.interventions import PARTS
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import Layer, ModelConfig

SCAN = "scan"
MAX_WINDOWS = 1000


class Cell(NamedTuple):
    """One intervention.

    Attributes:
        layer: Its name.
        patch: What is replaced: ``average``, ``gain``, ``rest``, ``maps`` or ``window``.
        maps: Of ``maps``, counted from 1.
        start_s: Of ``window``.
        end_s: Of ``window``.
    """

    layer: str
    patch: str
    maps: tuple[int, ...] = ()
    start_s: float = math.nan
    end_s: float = math.nan

    @property
    def name(self) -> str:
        """For instance ``conv2 maps 3,17`` or ``conv3 window 0.1-0.2``."""
        parts = [self.layer, self.patch, ",".join(map(str, self.maps))]
        if self.patch == "window":
            parts.append(f"{self.start_s:g}-{self.end_s:g}")
        return " ".join(filter(None, parts))

    @property
    def control_name(self) -> str:
        """That of the same with the part of another base."""
        return f"{self.name} of another"


def choose_layers(text: str, config: ModelConfig) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``; the audio is no layer of maps.

    Raises:
        InputError: There is no layer of that name.
    """
    known = {layer.name: layer for layer in config.layers if layer.name != "out"}
    wanted = list(known) if text == "all" else [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(
                f"--layers={text}: no layer {name!r} with feature maps; there are "
                f"{', '.join(known)}"
            )
    return tuple(layer for name, layer in known.items() if name in wanted)


def parse_by(text: str) -> str | float:
    """Reads ``--by``: ``other``, ``mean`` or a factor.

    Raises:
        InputError: It is none of them, not finite, or 1, which changes nothing.
    """
    if text in ("other", "mean"):
        return text
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor) or factor < 0 or factor == 1:
        raise InputError(
            f"--by={text}: must be other, mean, or a finite factor of 0 or more but 1, which "
            "changes nothing; --by=0 silences"
        )
    return factor


def make_cells(
    patches: list[str],
    maps: list[str],
    windows: list[str],
    layers: tuple[Layer, ...],
    config: ModelConfig,
) -> list[Cell]:
    """The interventions that the flags describe, layer by layer.

    Args:
        patches: ``--patch``: of ``causes.interventions.PARTS`` and ``scan``,
            which is no cell.
        maps: ``--maps``, each such as ``conv2:3,17``.
        windows: ``--window_s``, each such as ``0.1,0.3`` or ``0:1:0.1``.
        layers: Those chosen.
        config: The model.

    Raises:
        InputError: A value breaks its rule.
    """
    for patch in patches:
        if patch not in (*PARTS, SCAN):
            raise InputError(
                f"--patch={','.join(patches)}: no part {patch!r}; choose of "
                f"{', '.join((*PARTS, SCAN))}"
            )
    chosen = [parse_maps(text, config) for text in maps]
    stretches = [x for text in windows for x in parse_windows(text, layers, config)]
    cells = []
    for layer in [layer for layer in config.layers if layer.name != "out"]:
        if layer in layers:
            cells += [Cell(layer.name, part) for part in PARTS if part in patches]
            cells += [Cell(layer.name, "window", (), *ends) for ends in dict.fromkeys(stretches)]
        cells += [Cell(name, "maps", m) for name, m in dict.fromkeys(chosen) if name == layer.name]
    if not cells and SCAN not in patches:
        raise InputError("--patch=: nothing to do; name a part, --maps or --window_s")
    return cells


def parse_maps(text: str, config: ModelConfig) -> tuple[str, tuple[int, ...]]:
    """Reads ``conv2:3,17``: a layer and feature maps of it, counted from 1.

    Raises:
        InputError: Not of that form, no such layer or map, or one named twice.
    """
    match = re.fullmatch(r"\s*(\w+):([0-9, ]+)", text, re.ASCII)
    if not match:
        raise InputError(f"--maps={text}: expected LAYER:MAPS, for example conv2:3,17")
    known = {layer.name: layer.channels for layer in config.layers if layer.name != "out"}
    name = match[1]
    if name not in known:
        raise InputError(
            f"--maps={text}: no layer {name!r} with feature maps; there are {', '.join(known)}"
        )
    numbers = [number.strip() for number in match[2].split(",")]
    maps = tuple(sorted({int(number) for number in numbers if number.isdecimal()}))
    if len(maps) != len(numbers):
        raise InputError(f"--maps={text}: name each map once, as a number: conv2:3,17")
    beyond = [m for m in maps if not 1 <= m <= known[name]]
    if beyond:
        raise InputError(
            f"--maps={text}: no map {beyond[0]}; {name} has {known[name]}: 1 .. {known[name]}"
        )
    return name, maps


def parse_windows(
    text: str, layers: tuple[Layer, ...], config: ModelConfig
) -> list[tuple[float, float]]:
    """Reads ``0.1,0.3``, one stretch, or ``0:1:0.1``, stretches of 0.1 s from 0 to 1 s.

    Raises:
        InputError: Not of that form, outside the output, or without a sample of some layer.
    """
    duration_s = config.slice_len / config.sample_rate
    parts = re.split("[,:]", text)
    form = (len(parts), text.count(":"))
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = [math.nan]
    if form not in ((2, 0), (3, 2)) or not all(map(math.isfinite, numbers)):
        raise InputError(
            f"--window_s={text}: expected START,END or START:END:STEP in s, for example 0.1,0.3 "
            "or 0:1:0.1"
        )
    start_s, end_s, *step = numbers
    if not 0 <= start_s < end_s <= duration_s:
        raise InputError(
            f"--window_s={text}: must begin before it ends, within the output, 0 .. {duration_s:g}"
        )
    edges = [start_s, end_s]
    if step:
        count = (end_s - start_s) / step[0] if step[0] > 0 else 0
        if count < 1 - 1e-6 or abs(count - round(count)) > 1e-6 or count > MAX_WINDOWS:
            raise InputError(
                f"--window_s={text}: steps of {step[0]:g} must lead from {start_s:g} to {end_s:g}, "
                f"{MAX_WINDOWS} at most{_way_out(start_s, step[0], count, duration_s)}"
            )
        edges = [round(start_s + i * step[0], 9) for i in range(round(count) + 1)]
    stretches = list(zip(edges, edges[1:], strict=False))
    for layer in layers:
        for first_s, last_s in stretches:
            i = math.ceil(first_s * layer.rate_hz - 0.5)  # sample i stands at (i + 0.5) / rate
            if not (i + 0.5) / layer.rate_hz < last_s:
                raise InputError(
                    f"--window_s={text}: {layer.name} has no sample in {first_s:g} .. {last_s:g} "
                    f"s, only one every {1000 / layer.rate_hz:g} ms; take longer stretches, or "
                    "leave the layer out of --layers"
                )
    return stretches


def _way_out(start_s, step_s, count, duration_s):
    """Where stretches could end instead, within the output."""
    if not step_s > 0:
        return "; give a step above 0"
    if count > MAX_WINDOWS:
        return "; give a longer step"
    ends = [start_s + k * step_s for k in (math.floor(count), math.ceil(count)) if k]
    ends = [f"{end_s:g}" for end_s in ends if end_s <= duration_s]
    return f"; end at {' or '.join(ends)}" if ends else "; give a shorter step"
