"""Which form of each convolution is the fastest here: a trial of seconds, kept for the next run."""

import contextlib
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from typing import Any, TypeGuard

import tensorflow as tf

from wavegan_tf.errors import InputError
from wavegan_tf.machine import describe_machine, start_xla
from wavegan_tf.models import convolution
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.convolution import DIRECTIONS, Choice, Shape
from wavegan_tf.paths import cache_directory, keep
from wavegan_tf.training.options import TrainingConfig

Forms = str | list[dict[str, Any]]
"""One form for all convolutions, or for each shape its form by direction, as config.json has it."""

ROUNDS = 3
HOPELESS = 1.5  # a form this many times slower than the best in the first round is out
MAX_BATCH = 16  # time grows with the batch; which form is the fastest does not depend on it
OF_PAPERS = Shape(kernel_len=25, stride=4, n=64, channels=256, out=512)
MIN_WORK = 5e8  # operations of each convolution once; below, calls cost more than arithmetic

_log = logging.getLogger("wavegan_tf")


def choose_forms(
    config: ModelConfig, training: TrainingConfig, recorded: Forms | None = None
) -> Forms:
    """Gives the forms of a training: those of ``--conv``, those recorded, or the fastest.

    Raises:
        InputError: The precision is bfloat16, which is slower than float32 on this machine.
    """
    if training.conv == "auto" and _are_forms(recorded, convolution.shapes(config)):
        return recorded
    if training.precision == "bfloat16":
        _check_bfloat16(training.conv)
    return _fastest(config, training) if training.conv == "auto" else training.conv


def to_choice(forms: Forms) -> Choice | None:
    """Makes a Choice of forms; None for the plain Keras layers."""
    if "xla" in str(forms):
        start_xla()
    if isinstance(forms, str):
        return None if forms == "keras" else convolution.always(forms)
    found = {Shape(*(row[x] for x in Shape._fields)): row for row in forms}
    return lambda direction, shape: found[shape][direction]


def measure(shapes: list[Shape], batch_size: int, dtype: str = "float32") -> list[dict[str, Any]]:
    """Times every form of every convolution.

    Returns:
        For each shape its numbers and ``down``, ``up`` and ``kernel``: by form the least seconds
        that this direction took.
    """
    start_xla()
    rows = []
    for shape in shapes:
        x, kernel, y = (tf.cast(a, dtype) for a in _arguments(shape, min(batch_size, MAX_BATCH)))
        pairs = {"down": (x, kernel), "up": (y, kernel), "kernel": (x, y)}
        seconds = {direction: _race(direction, shape, pairs[direction]) for direction in DIRECTIONS}
        rows.append(shape._asdict() | seconds)
    return rows


def _are_forms(forms: Any, shapes: list[Shape]) -> TypeGuard[Forms]:
    """Says whether what was read from a file has a form for every direction of all shapes."""
    if isinstance(forms, str):
        return forms in convolution.FORMS
    try:
        found = {Shape(*(row[x] for x in Shape._fields)): row for row in forms}
        return all(found[x][d] in convolution.forms_of(x) for x in shapes for d in DIRECTIONS)
    except (KeyError, TypeError):
        return False


def _check_bfloat16(conv: str) -> None:
    """Refuses bfloat16 where a convolution of the papers' models takes longer than in float32."""
    form, seconds = "plain" if conv == "keras" else conv, {}
    for dtype in ("float32", "bfloat16"):
        (row,) = measure([OF_PAPERS], 1, dtype)
        seconds[dtype] = sum(row[d].get(form, min(row[d].values())) for d in DIRECTIONS)
    cost = seconds["bfloat16"] / seconds["float32"]
    if cost > 1:
        raise InputError(
            f"--precision=bfloat16: a convolution takes {cost:.1f} times as long as float32 on "
            "this machine; leave the flag out, or force it with --precision=forced_bfloat16"
        )


def _fastest(config: ModelConfig, training: TrainingConfig) -> Forms:
    """The forms that a trial finds, or found earlier on this machine for these shapes."""
    shapes = convolution.shapes(config)
    work = sum(2 * x.kernel_len * x.n * x.channels * x.out for x in shapes)
    if training.batch_size * work < MIN_WORK:
        return "keras"
    batch_size = min(training.batch_size, MAX_BATCH)
    about = [describe_machine(), convolution.FORMS, batch_size, training.dtype, shapes]
    name = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]
    path = cache_directory() / f"forms-{name}.json"
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(path.read_text())
        if _are_forms(kept, shapes):
            return kept
    _log.info("convolutions: their forms are timed for some seconds, once for this machine")
    rows = measure(shapes, batch_size, training.dtype)
    forms = [row | {d: min(row[d], key=row[d].get) for d in DIRECTIONS} for row in rows]
    try:
        keep(path, lambda place: place.write_text(json.dumps(forms, indent=1) + "\n"))
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        _log.warning(
            "convolutions: these forms could not be kept, so the next start may find others: %s",
            why,
        )
    return forms


def _race(direction: str, shape: Shape, arguments: tuple) -> dict[str, float]:
    """By form the least seconds of a direction, infinite for one that this machine cannot compute.

    One that is hopeless after the first round is not called again.
    """
    forms = convolution.forms_of(shape)
    functions, seconds = {}, dict.fromkeys(forms, math.inf)
    for form in forms:
        with contextlib.suppress(tf.errors.OpError):
            function = _compiled(direction, form, shape, arguments)
            function(*arguments)  # the first call compiles it
            functions[form] = function
    for form, function in functions.items():
        seconds[form] = _seconds(function, *arguments)
    for _ in range(ROUNDS - 1):
        for form, function in functions.items():
            if seconds[form] < HOPELESS * min(seconds.values()):
                seconds[form] = min(seconds[form], _seconds(function, *arguments))
    return seconds


def _compiled(direction: str, form: str, shape: Shape, arguments: tuple) -> Callable:
    compute = tf.function(lambda a, b: convolution.compute(direction, form, a, b, shape))
    return compute.get_concrete_function(*arguments)


def _arguments(shape: Shape, batch_size: int) -> list[tf.Tensor]:
    sizes = (
        [batch_size, shape.stride * shape.n, shape.channels],
        [shape.kernel_len, shape.channels, shape.out],
        [batch_size, shape.n, shape.out],
    )
    return [tf.random.stateless_normal(size, [0, i]) for i, size in enumerate(sizes)]


def _seconds(function: Callable, *arguments: tf.Tensor) -> float:
    tf.test.experimental.sync_devices()
    begun = time.perf_counter()
    function(*arguments)
    tf.test.experimental.sync_devices()
    return time.perf_counter() - begun
