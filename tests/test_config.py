import json

import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig


def test_layers_of_the_papers_model():
    layers = [(x.name, x.length, x.channels, x.nyquist_hz) for x in ModelConfig().layers]
    assert layers == [
        ("conv1", 64, 512, 31.25),
        ("conv2", 256, 256, 125.0),
        ("conv3", 1024, 128, 500.0),
        ("conv4", 4096, 64, 2000.0),
        ("out", 16384, 1, 8000.0),
    ]


def test_deeper_model_makes_two_layers_of_every_one():
    layers = ModelConfig(stride=2).layers
    assert [x.name for x in layers] == [f"conv{i}" for i in range(1, 10)] + ["out"]
    assert [x.length for x in layers] == [2**i for i in range(5, 15)]
    assert [x.channels // 64 for x in layers[:-1]] == [16, 8, 8, 4, 4, 2, 2, 1, 1]
    # Conv8 stands where Conv4 does in the shallower model, as the paper reads it.
    assert layers[7][1:2] + layers[7][3:4] == (4096, 64)


def test_longer_slices_have_six_layers_and_classifiers_mirror_all_but_the_last_stride():
    for slice_len in (32768, 65536):
        layers = ModelConfig(slice_len=slice_len, dim=1).layers
        assert [x.length for x in layers] == [64, 256, 1024, 4096, 16384, slice_len]
        assert [x.channels for x in layers[:-1]] == [16, 8, 4, 2, 1]
    layers = ModelConfig(slice_len=32768, dim=1).classifier_layers
    assert [x.length for x in layers] == [8192, 2048, 512, 128, 32, 16]
    assert [x.channels for x in layers] == [1, 2, 4, 8, 16, 32]
    deep = ModelConfig(stride=2, dim=1).classifier_layers
    assert [x.length for x in deep] == [2**i for i in range(13, 3, -1)]
    assert [x.channels for x in deep] == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16]


def test_a_round_trip_keeps_every_option_and_an_unknown_one_is_refused():
    config = ModelConfig(
        model="fiwgan", slice_len=32768, sample_rate=8000, dim=3, kernel_len=17, stride=2,
        latent_dim=40, num_categ=4, batchnorm=True, upsample="nn", postfilter_len=64,
        phaseshuffle=1,
    )  # fmt: skip
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.differences(ModelConfig.from_dict(config.to_dict() | {"dim": 5})) == ["dim: 3, 5"]
    with pytest.raises(InputError, match="depht: there is no such option; there are model"):
        ModelConfig.from_dict({"depht": 5})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slice_len": 16000}, ["--data_slice_len=16000", "16384"]),
        ({"dim": 0}, ["--wavegan_dim=0", "1 or more"]),
        ({"stride": 3}, ["--wavegan_stride=3", "4, 2"]),
        ({"num_categ": 2}, ["--num_categ=2", "--model=ciwgan"]),
        ({"model": "ciwgan", "num_categ": 101}, ["--num_categ=101", "1 to 100"]),
        ({"postfilter_len": 512, "num_channels": 2}, ["--wavegan_genr_pp", "mono"]),
        ({"phaseshuffle": 64}, ["--wavegan_disc_phaseshuffle=64", "below the 64"]),
    ],
)
def test_bad_option_is_named_with_its_value_and_rule(options, words):
    with pytest.raises(InputError) as error:
        ModelConfig(**options)
    assert all(word in str(error.value) for word in words), error.value
