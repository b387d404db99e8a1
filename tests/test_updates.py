import keras
import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.checkpoints import names
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import FORMS, ModelConfig
from wavegan_tf.models.layers import Arithmetic
from wavegan_tf.models.networks import build_networks
from wavegan_tf.training import losses
from wavegan_tf.training.optimizers import Adam, RMSProp
from wavegan_tf.training.options import LOSSES
from wavegan_tf.training.trial import to_choice
from wavegan_tf.training.updates import (
    Draws,
    draw,
    make_optimizers,
    update_discriminator,
    update_generator,
)

RECORDINGS = [
    *[("ciwgan_wgan-gp", form) for form in FORMS], ("wavegan_lsgan", "keras"),
    ("fiwgan_wgan-gp", "folded"), ("wavegan_wgan-gp", "matmul"), ("wavegan_wgan", "folded"),
    ("wavegan_lsgan", "matmul"), ("wavegan_dcgan", "folded"),
]  # fmt: skip


class Recording:
    """Six updates of the original; what an update left as it was is found in the one before."""

    def __init__(self, directory, name):
        self.values = np.load(directory / f"{name}.npz")
        self.shared = directory / "x.npz"
        self.weights = {k[5:]: v for k, v in self.values.items() if k.startswith("init/")}

    def audio(self, update):
        x = self.values[f"{update}/x"]
        return (x if x.ndim else np.load(self.shared)[str(x)])[..., 0]  # [batch, time, channels]

    def advance(self, update):
        for name in self.weights:
            if f"{update}/after/{name}" in self.values:
                self.weights[name] = self.values[f"{update}/after/{name}"]


@pytest.mark.parametrize(("name", "form"), RECORDINGS)
def test_every_update_equals_the_originals(reference, name, form):
    model, loss = name.split("_")
    num_categ = 0 if model == "wavegan" else 4
    config = ModelConfig(model, dim=1, latent_dim=12, num_categ=num_categ, phaseshuffle=0)
    recording = Recording(reference / "steps", name)
    networks = build_networks(config, arithmetic=Arithmetic(to_choice(form)))
    optimizers = make_optimizers(networks, loss)
    weights = names.network_variables(networks)
    assert set(weights) == set(recording.weights)
    for key, stored in weights.items():
        stored.variable.assign(np.reshape(recording.weights[key], stored.variable.shape))

    def discriminator_update(x, draws):
        return update_discriminator(networks, optimizers, loss, x, draws)

    def generator_update(draws):
        return update_generator(networks, optimizers, loss, draws)

    if model == "ciwgan":  # as in training one function each, traced once
        discriminator_update = tf.function(discriminator_update)
        generator_update = tf.function(generator_update)
    for update in ("0D", "1D", "2G", "3D", "4D", "5G"):
        values = recording.values
        alpha = values[f"{update}/alpha"] if f"{update}/alpha" in values else np.zeros([3, 1, 1])
        draws = Draws(tf.constant(values[f"{update}/z"]), tf.constant(alpha, tf.float32), None)
        if "D" in update:
            x = tf.constant(recording.audio(update))
            result = discriminator_update(x, draws)
        else:
            result = generator_update(draws)
        for key in {"D_loss", "G_loss", "Q_loss"} & set(result):
            # wgan's later losses are differences of equal means, 0 but for rounding: hence abs.
            expected = values[f"{update}/loss_{key[0]}"]
            assert float(result[key]) == pytest.approx(float(expected), rel=1e-5, abs=1e-7)
        recording.advance(update)
        differences = np.concatenate(
            [np.ravel(np.abs(s.value() - recording.weights[k])) for k, s in weights.items()]
        )
        assert np.mean(differences <= 1e-6) >= 0.999
        assert differences.max() <= 5e-5


def test_losses_equal_their_formulas():
    fake, real = np.array([0.3, -1.2, 2.0]), np.array([1.5, 0.1, -0.4])
    f, r = tf.constant(fake), tf.constant(real)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    expected = {
        "wgan-gp": (fake.mean() - real.mean(), -fake.mean()),
        "wgan": (fake.mean() - real.mean(), -fake.mean()),
        "lsgan": (((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2, ((fake - 1) ** 2).mean()),
        "dcgan": (
            -np.log(sigmoid(real)).mean() / 2 - np.log(1 - sigmoid(fake)).mean() / 2,
            -np.log(sigmoid(fake)).mean(),
        ),
    }
    assert set(expected) == set(LOSSES)
    for loss, (d, g) in expected.items():
        assert float(losses.discriminator_loss(loss, f, r)) == pytest.approx(d)
        assert float(losses.generator_loss(loss, f)) == pytest.approx(g)
    code, logits = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.5, 2.0], [0.0, -1.0]])
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log((softmax * code).sum(1)).mean()
    assert float(losses.code_loss("ciwgan", code, logits)) == pytest.approx(expected)
    expected = -(code * np.log(sigmoid(logits)) + (1 - code) * np.log(1 - sigmoid(logits))).mean()
    assert float(losses.code_loss("fiwgan", code, logits)) == pytest.approx(expected)


def test_rmsprop_starts_its_accumulator_at_one():
    variable = keras.Variable([1.0, 2.0])
    optimizer = RMSProp([variable], learning_rate=0.1)
    g = np.array([0.5, -3.0])
    optimizer.apply([tf.constant(g, tf.float32)])
    expected = [1, 2] - 0.1 * g / np.sqrt(0.9 * 1 + 0.1 * g**2 + 1e-10)
    np.testing.assert_allclose(variable, expected, rtol=1e-6)


def test_adam_follows_tensorflow_1():
    variable, value = keras.Variable([1.0, 2.0]), np.array([1.0, 2.0])
    optimizer = Adam([variable], 0.1, beta1=0.5, beta2=0.9)
    m = v = 0
    for t, g in enumerate(np.array([[0.5, -3.0], [1e-9, 2.0], [0.1, 0.2]]), start=1):
        optimizer.apply([tf.constant(g, tf.float32)])
        m, v = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g**2
        value = value - 0.1 * np.sqrt(1 - 0.9**t) / (1 - 0.5**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(variable, value, rtol=1e-5)


def test_a_learning_rate_is_that_of_g_and_d_and_half_of_it_that_of_q():
    networks = build_networks(ModelConfig("ciwgan", dim=1, num_categ=2))
    originals = {"wgan-gp": 1e-4, "wgan": 5e-5, "lsgan": 1e-4, "dcgan": 2e-4}
    for loss, rate in originals.items():
        rates = [x.learning_rate for x in make_optimizers(networks, loss)]
        assert rates == [rate, rate, 1e-4]
        given = [x.learning_rate for x in make_optimizers(networks, loss, 3e-4)]
        assert given == [3e-4, 3e-4, 1.5e-4]


@pytest.mark.parametrize(("model", "num_categ"), [("wavegan", 0), ("ciwgan", 4), ("fiwgan", 3)])
def test_training_draws_are_distributed_as_sampled_latents(model, num_categ):
    config = ModelConfig(model, num_categ=num_categ, latent_dim=8)
    draws = draw(config, 4000, tf.constant([1, 5], tf.int64))
    sampled = sample_latents(config, 4000, seed=0)
    np.testing.assert_allclose(np.mean(draws.z, 0), sampled.mean(0), atol=0.05)
    np.testing.assert_allclose(
        np.cov(draws.z, rowvar=False), np.cov(sampled, rowvar=False), atol=0.05
    )
    assert draws.shifts.shape == (4, 4) and set(np.unique(draws.shifts)) <= set(range(-2, 3))
    assert 0 <= np.min(draws.alpha) and np.max(draws.alpha) <= 1


def test_draws_are_a_function_of_seed_and_update_and_every_shift_comes_equally_often():
    config = ModelConfig(latent_dim=4)
    keys = [(1, 5), (1, 5), (1, 6), (2, 5), (5, 1)]
    z = [draw(config, 2, tf.constant(key, tf.int64)).z.numpy().tobytes() for key in keys]
    assert z[0] == z[1] and len(set(z)) == 4
    shifts = [draw(config, 1, tf.constant([0, i], tf.int64)).shifts for i in range(200)]
    values, counts = np.unique(np.stack(shifts), return_counts=True)
    assert list(values) == [-2, -1, 0, 1, 2]
    assert np.all(np.abs(counts - 640) < 120)  # 5 standard deviations of 3200 draws
