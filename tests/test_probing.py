import numpy as np
import pytest

from wavegan_tf import probing
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.errors import InputError
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks

CONFIG = ModelConfig(dim=2)


def test_out_is_always_among_the_layers_and_their_order_is_the_networks():
    names = [layer.name for layer in probing.choose_layers("conv3, conv1", CONFIG)]
    assert names == ["conv1", "conv3", "out"]
    assert probing.choose_layers("all", CONFIG) == CONFIG.layers
    with pytest.raises(InputError, match=r"--layers=conv5: no layer 'conv5'.*conv1, .*out"):
        probing.choose_layers("conv5", CONFIG)


def test_an_output_does_not_depend_on_how_many_there_are():
    generator = build_networks(CONFIG, generator_only=True).generator
    latents = sample_latents(CONFIG, probing.BATCH + 3, seed=0)
    many = list(probing.generate_series(generator, latents, CONFIG.layers))
    assert len(many) == len(latents)
    for i in (0, probing.BATCH, probing.BATCH + 2):
        (alone,) = probing.generate_series(generator, latents[i : i + 1], CONFIG.layers)
        for name, series in alone.items():
            np.testing.assert_allclose(many[i][name], series, atol=1e-7)


def test_layers_are_measured_on_the_voiced_intervals_of_the_output():
    time_s = (np.arange(16384) + 0.5) / 16000
    voiced = (time_s > 0.3) & (time_s < 0.7)
    out = 0.3 * voiced * sum(np.sin(2 * np.pi * 120 * k * time_s) for k in range(1, 6))
    conv4 = np.abs(np.sin(2 * np.pi * 75 * time_s))  # period 1 / 150 s, throughout
    layers = probing.choose_layers("conv4", CONFIG)
    rows = probing.measure_output({"conv4": conv4, "out": out}, layers, 16000, AcousticSettings())
    for layer, f0_hz in (("out", 120), ("conv4", 150)):
        f0 = [r for r in rows if (r["layer"], r["measure"]) == (layer, "f0")]
        assert len(f0) == 10
        assert 0.28 < f0[0]["time_s"] < f0[-1]["time_s"] < 0.72
        np.testing.assert_allclose([r["value"] for r in f0[1:-1]], f0_hz, rtol=0.01)


def test_stereo_is_measured_on_the_mean_of_its_channels():
    time_s = (np.arange(16384) + 0.5) / 16000
    left, right = np.sin(2 * np.pi * 120 * time_s), np.sin(2 * np.pi * 360 * time_s)
    layers = probing.choose_layers("out", CONFIG)
    stereo = {"out": np.stack([left, right], axis=1)}
    mono = {"out": (left + right) / 2}
    settings = AcousticSettings()
    both = probing.measure_output(stereo, layers, 16000, settings)
    assert both and both == probing.measure_output(mono, layers, 16000, settings)
