"""The training loop: steps, checkpoints and summaries on schedule, and an orderly end."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from wavegan_tf.checkpoints import files, run
from wavegan_tf.training.options import Schedule
from wavegan_tf.training.trainer import Trainer


def train(
    trainer: Trainer,
    batches: Iterator,
    directory: str,
    schedule: Schedule,
    stopped: Callable[[], bool],
    summarize: Callable[[int, dict], None] | None = None,
    saves: bool = True,
) -> Iterator[dict[str, float]]:
    """Trains until the schedule's last step, saving and summarising on the way.

    Args:
        trainer: At its start or restored, maybe inside a step.
        batches: Of its real audio.
        directory: The run directory.
        schedule: When to stop, save and summarise.
        stopped: Asked before every update; True saves, inside a step too, and ends the training.
        summarize: Called as ``summarize(step, outputs)``, the outputs of the step's updates, when
            a summary is due and after the last step.
        saves: Whether this process is the one that saves.

    Yields:
        The scalars of each completed step by name.

    Raises:
        InputError: A scalar, or a value to be saved, is NaN or infinite; a checkpoint cannot be
            written. The checkpoint before stays the newest.
    """
    saved = (trainer.step, trainer.update) if files.list_prefixes(directory) else None

    def save() -> None:
        nonlocal saved
        if saves and (trainer.step, trainer.update) != saved:
            prefix = trainer.save(directory, schedule.keep)
            if schedule.keep_every_hours:
                run.back_up(prefix, schedule.keep_every_hours)
        saved = trainer.step, trainer.update

    save()
    save_due = _Every(schedule.save_secs, schedule.save_steps)
    summary_due = _Every(schedule.summary_secs, schedule.summary_steps)
    outputs: dict = {}
    while trainer.step < (schedule.train_steps or np.inf) and not stopped():
        outputs |= trainer.advance(batches)
        if trainer.update:  # inside a step
            continue
        step = trainer.step
        # The loop waits for the device here, once per step.
        scalars = {k: float(v) for k, v in outputs.items() if len(v.shape) == 0}
        for name, value in scalars.items():
            if not np.isfinite(value):
                raise files.not_finite(directory, step, f"{name} is {value}")
        is_last = step == schedule.train_steps
        if save_due(step) or is_last:  # before the summary, which may fail
            save()
        if summarize and (summary_due(step) or is_last):
            summarize(step, outputs)
        yield scalars
        outputs = {}
    save()


class _Every:
    """Says when something is due: every so many seconds, or every so many steps."""

    def __init__(self, secs: float, steps: int):
        self.secs, self.steps = secs, steps
        self.last = time.monotonic()

    def __call__(self, step: int) -> bool:
        due = 0 < self.secs <= time.monotonic() - self.last
        due = due or (self.steps > 0 and step % self.steps == 0)
        if due:
            self.last = time.monotonic()
        return due
