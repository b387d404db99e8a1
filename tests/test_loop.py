import itertools
import os
import signal

import numpy as np
import pytest

from wavegan_tf.checkpoints import files
from wavegan_tf.errors import InputError
from wavegan_tf.training import loop
from wavegan_tf.training.loop import train
from wavegan_tf.training.options import Schedule
from wavegan_tf.training.session import stop_on_signal

UPDATES = 4  # in a step: 3 of the Discriminator, 1 of the Generator


class Scalar:
    """A number on a device that notes when the host reads it."""

    shape = ()

    def __init__(self, value, reads):
        self.value, self.reads = value, reads

    def __float__(self):
        self.reads.append(self.value)
        return float(self.value)


class CountingTrainer:
    """Has one variable, which is a record of the batches seen."""

    def __init__(self):
        self.step = self.update = 0
        self.value = np.zeros(2)
        self.reads = []
        self.nan_at = None

    @property
    def updates_done(self):
        return self.step * UPDATES + self.update

    def advance(self, batches):
        is_generator = self.update == UPDATES - 1
        if not is_generator:
            self.value = self.value * 3 + next(batches)
        self.step, self.update = divmod(self.updates_done + 1, UPDATES)
        number = np.nan if self.updates_done == self.nan_at else self.updates_done
        outputs = {"G_loss" if is_generator else "D_loss": Scalar(number, self.reads)}
        return outputs | ({"z": np.ones([2, 3])} if is_generator else {"x": np.ones([2, 5, 1])})

    def save(self, directory, keep):
        values = {"value": self.value, "place": np.array([self.step, self.update])}
        return files.write_checkpoint(directory, values, self.step, keep, self.update)

    def restore(self, checkpoint):
        self.value = checkpoint.read("value")
        self.step, self.update = (int(i) for i in checkpoint.read("place"))
        return self


def data(first=0):
    return itertools.count(first)


def stop_after(n):
    """A `stopped` that says yes once n updates are done."""
    answers = itertools.count()
    return lambda: next(answers) >= n


def never():
    return False


def names_in(directory):
    return [os.path.basename(prefix) for prefix in files.list_prefixes(str(directory))]


def test_the_device_is_waited_for_between_steps_only(tmp_path):
    trainer = CountingTrainer()

    def stopped():
        assert len(trainer.reads) == 2 * (trainer.updates_done // UPDATES)
        return False

    steps = list(train(trainer, data(), str(tmp_path), Schedule(train_steps=2), stopped))
    assert steps == [{"D_loss": 3, "G_loss": 4}, {"D_loss": 7, "G_loss": 8}]


@pytest.mark.parametrize("n", range(2 * UPDATES))
def test_a_stop_is_honoured_after_any_update_and_going_on_is_exact(tmp_path, n):
    straight = CountingTrainer()
    list(train(straight, data(), str(tmp_path / "straight"), Schedule(train_steps=2), never))
    run = str(tmp_path / "run")
    first = CountingTrainer()
    list(train(first, data(), run, Schedule(train_steps=2), stop_after(n)))
    assert first.updates_done == n
    step, inside = divmod(n, UPDATES)
    assert names_in(run)[-1] == f"model.ckpt-{step}" + (f"+{inside}" if inside else "")
    second = CountingTrainer().restore(files.newest_whole(run))
    batches_done = step * (UPDATES - 1) + inside
    list(train(second, data(batches_done), run, Schedule(train_steps=2), never))
    assert second.updates_done == straight.updates_done
    np.testing.assert_array_equal(second.value, straight.value)


def test_a_training_that_has_arrived_is_stopped_at_once_or_does_not_save_writes_nothing(tmp_path):
    run = str(tmp_path)
    list(train(CountingTrainer(), data(), run, Schedule(train_steps=2), never))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    for schedule, stopped, saves, num_steps in (
        (Schedule(train_steps=2), never, True, 0),
        (Schedule(), lambda: True, True, 0),
        (Schedule(train_steps=4, save_steps=1, keep_every_hours=1), never, False, 2),
    ):
        trainer = CountingTrainer().restore(files.newest_whole(run))
        steps = list(train(trainer, data(), run, schedule, stopped, saves=saves))
        assert len(steps) == num_steps
    assert before == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_checkpoints_and_summaries_are_due_by_step_and_at_the_end(tmp_path):
    seen = []

    def summarize(step, outputs):
        assert set(outputs) == {"D_loss", "G_loss", "x", "z"}
        seen.append(step)

    schedule = Schedule(train_steps=5, save_steps=2, summary_steps=2)
    list(train(CountingTrainer(), data(), str(tmp_path), schedule, never, summarize))
    assert seen == [2, 4, 5]
    assert names_in(tmp_path) == [f"model.ckpt-{step}" for step in (0, 2, 4, 5)]


@pytest.mark.parametrize("update", [UPDATES - 1, UPDATES])
def test_a_loss_that_is_no_number_ends_the_run_at_the_last_good_checkpoint(tmp_path, update):
    trainer = CountingTrainer()
    trainer.nan_at = 2 * UPDATES + update
    schedule = Schedule(train_steps=9, save_steps=1)
    with pytest.raises(InputError) as error:
        list(train(trainer, data(), str(tmp_path), schedule, never))
    loss = "D_loss" if update < UPDATES else "G_loss"
    for words in (f"step 3: {loss} is nan", f"{tmp_path}/model.ckpt-2, is whole", "--seed"):
        assert words in str(error.value)
    assert names_in(tmp_path) == [f"model.ckpt-{step}" for step in (0, 1, 2)]


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_weight_that_is_no_number_is_never_saved(tmp_path, bad):
    trainer = CountingTrainer()
    list(train(trainer, data(), str(tmp_path), Schedule(train_steps=1), never))
    trainer.value = np.array([1.0, bad])
    with pytest.raises(InputError, match=r"step 1: variable value has NaN.*ckpt-1, is whole"):
        list(train(trainer, data(), str(tmp_path), Schedule(), stop_after(2)))
    assert names_in(tmp_path) == ["model.ckpt-0", "model.ckpt-1"]


def test_something_is_due_by_step_or_by_time(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    due = loop._Every(secs=10, steps=4)
    assert [due(step) for step in range(1, 6)] == [False, False, False, True, False]
    now[0] += 10
    assert due(6) and not due(7)
    assert not any(loop._Every(secs=0, steps=0)(step) for step in range(10))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_while_training_and_is_the_processs_own_again_after_it(number):
    before = signal.getsignal(number)
    with stop_on_signal() as wanted:
        assert not wanted()
        os.kill(os.getpid(), number)
        assert wanted() == number
    assert signal.getsignal(number) is before
