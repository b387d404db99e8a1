import itertools

import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.training import trainer as trainer_module
from wavegan_tf.training.options import TrainingConfig
from wavegan_tf.training.trainer import Trainer


def test_a_learning_rate_of_zero_is_refused():
    with pytest.raises(InputError, match="--learning_rate=0: must be between 0 and 1"):
        TrainingConfig(learning_rate=0.0)


def test_a_step_is_so_many_discriminator_updates_and_one_of_the_generator(monkeypatch):
    seen = []

    def update_discriminator(networks, optimizers, loss, x, draws):
        tf.py_function(
            lambda x, z: seen.append((float(x), z.numpy().tobytes())), [x[0, 0, 0], draws.z], []
        )
        return {"D_loss": tf.constant(0.0)}

    def update_generator(networks, optimizers, loss, draws):
        tf.py_function(lambda z: seen.append(("G", z.numpy().tobytes())), [draws.z], [])
        return {"G_loss": tf.constant(0.0)}

    monkeypatch.setattr(trainer_module.updates, "update_discriminator", update_discriminator)
    monkeypatch.setattr(trainer_module.updates, "update_generator", update_generator)
    trainer = Trainer(ModelConfig(dim=1), TrainingConfig(batch_size=2, disc_nupdates=3))
    batches = (np.full([2, 16384, 1], i, np.float32) for i in itertools.count())
    places = []
    for _ in range(8):
        trainer.advance(batches)
        places.append((trainer.step, trainer.update, trainer.updates_done, trainer.batches_used))
    assert [what for what, _ in seen] == [0, 1, 2, "G", 3, 4, 5, "G"]  # fresh x in each update
    assert len({z for _, z in seen}) == 8  # fresh z in each update
    assert places[:5] == [(0, 1, 1, 1), (0, 2, 2, 2), (0, 3, 3, 3), (1, 0, 4, 3), (1, 1, 5, 4)]


def test_a_run_is_compiled_once():
    training = TrainingConfig("lsgan", batch_size=2, disc_nupdates=1, conv="xla")
    trainer = Trainer(ModelConfig(dim=1), training)
    batches = itertools.repeat(np.ones([2, 16384, 1], np.float32))
    for _ in range(6):
        outputs = trainer.advance(batches)
    assert trainer.step == 3 and np.isfinite(float(outputs["G_loss"]))
    for update in (trainer._update_discriminator, trainer._update_generator):
        assert update.experimental_get_tracing_count() == 1


def test_bfloat16_trains_much_alike_with_float32_variables(eagerly):
    losses = []
    for precision in ("float32", "forced_bfloat16"):  # on any machine
        training = TrainingConfig(batch_size=2, precision=precision)
        trainer = Trainer(ModelConfig(dim=2), training)
        x = np.sin(np.arange(16384, dtype=np.float32) / 20)[None, :, None].repeat(2, axis=0)
        outputs = trainer.advance(itertools.repeat(x))
        assert {outputs[name].dtype for name in outputs} == {tf.float32}
        assert all(value.dtype != "bfloat16" for value in trainer.values().values())
        losses.append(float(outputs["D_loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=0.02) and losses[0] != losses[1]
