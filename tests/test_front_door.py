"""``import wavegan_tf``: a model, its layers, a result; README's ten lines run in test_readme."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wavegan_tf as wg
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.names import EXPERIMENTS
from wavegan_tf.options import options


def test_every_name_of_the_front_door_is_there():
    assert wg.__version__
    assert all(hasattr(wg, name) for name in wg.__all__)
    assert wg._EXPERIMENTS == EXPERIMENTS  # which stand twice, so that the import answers at once
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        wg.nothing  # noqa: B018


@pytest.fixture(scope="module")
def model(reference):
    return wg.load(reference / "checkpoints" / "ciwgan", model="ciwgan")


def test_a_model_gives_the_layers_of_the_recording(model, reference):
    expected = np.load(reference / "checkpoints" / "ciwgan" / "expected.npz")
    activations = model.activations(expected["z"])
    assert list(activations) == ["fc", "conv1", "conv2", "conv3", "conv4", "out"]
    for i, x in enumerate(activations.values()):
        np.testing.assert_allclose(x, expected[f"G_act_{i}"], atol=1e-5)
    again = model.run_from("conv2", activations["conv2"])["out"]
    np.testing.assert_allclose(again, activations["out"], atol=1e-6)
    assert model.layers["layer"].tolist() == ["fc", "conv1", "conv2", "conv3", "conv4", "out"]
    assert "<audio" in model._repr_html_() and "ciwGAN" in repr(model)


@pytest.mark.parametrize(
    "call",
    [
        lambda path, result: wg.load(path),
        lambda path, result: wg.load_run(path),
        lambda path, result: wg.probe(path),
        lambda path, result: wg.probe(latents=path),
        lambda path, result: wg.interpolate(annotations=Path(path)),
        lambda path, result: wg.identify(labels=path),
        lambda path, result: wg.probe(directory=path),
        lambda path, result: result.save(path),
        lambda path, result: result.draw(path),
    ],
)
def test_a_tilde_in_any_path_is_a_home(call):
    with pytest.raises(wg.InputError, match="no such user"):
        call("~nobodyhere/x", wg.Result("probe", {}, {}))


def test_a_run_saved_in_its_own_place_by_another_name_is_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wg.Result, "summary", lambda self: "")
    arrays = {"series": {"out": np.arange(100_000.0)}}
    wg.Result("identify", {}, {}, arrays).save("run", figures=False, page=False)
    (tmp_path / "link").symlink_to("run")
    for name, place in (("run", "run"), ("link", "run"), ("run", tmp_path / "link")):
        wg.load_run(name).save(place, figures=False, page=False)
        np.testing.assert_array_equal(
            wg.load_run("run").arrays["series"]["out"], arrays["series"]["out"]
        )


def test_a_result_is_saved_loaded_and_shown(model, tmp_path):
    result = wg.probe(
        model, n=2, layers="conv4", controls=0, n_points=3, n_resamples=100, jobs=1, max_figures=1,
        f0_range=(200, 300),
    )  # fmt: skip
    result.save(tmp_path, figures=False)
    loaded = wg.load_run(tmp_path)
    assert list(loaded.tables) == sorted(result.tables)
    for name, table in result.tables.items():
        read = loaded.tables[name]
        assert list(read.columns) == list(table.columns)
        for column in table.columns:
            if pd.api.types.is_float_dtype(table[column]):
                np.testing.assert_array_equal(read[column], table[column])
    np.testing.assert_array_equal(
        loaded.arrays["series"]["conv4"], result.arrays["series"]["conv4"]
    )
    assert loaded.summary() == result.summary() and loaded.figures == result.figures
    assert "layers_0000" in result.figures and len(result.figure("layers_0000").axes) >= 2
    loaded.tables.pop("durations", None)
    loaded.save(tmp_path / "copy", figures=False, page=False)  # of mapped arrays, elsewhere
    wg.load_run(tmp_path / "copy").save(tmp_path / "copy", figures=False, page=False)  # in place
    again = wg.load_run(tmp_path / "copy")
    assert "durations" not in again.tables and again.settings["options"]["n"] == 2
    np.testing.assert_array_equal(again.arrays["series"]["out"], result.arrays["series"]["out"])
    assert "<audio" in result._repr_html_() and (tmp_path / "report.html").is_file()


def test_an_option_that_there_is_not_is_refused(model):
    with pytest.raises(wg.InputError, match="outputs: there is no such option; there are"):
        wg.probe(model, outputs=3)
    with pytest.raises(wg.InputError, match="f0: there is no such option; there are"):
        wg.probe(model, praat={"f0": 3})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.activations(np.zeros([2, 5])), r"z of shape \[2, 5\]"),
        (lambda m: m.sample(-1), "n=-1"),
        (lambda m: wg.measure(np.zeros(16000, np.int16), 16000), "int16.*full scale at 1"),
        (lambda m: wg.measure(np.full(16000, np.nan), 16000), "NaN"),
        (lambda m: wg.measure(np.zeros(16000), 16000, measures=("F0",)), "name them from f0"),
        (lambda m: wg.probe(m, layers=3), "--layers=3: must be text"),
        (lambda m: wg.probe(m, praat=3), "praat=3: give PraatSettings"),
        (lambda m: wg.probe(m, praat={"f0_floor_hz": "x"}), "--f0_range=x|f0_floor_hz=x"),
        (lambda m: wg.interpolate(m, vary=5), "--vary=.*must be texts"),
        (
            lambda m: wg.load_run("nowhere"),
            "nowhere/config.json: there is no such file; name the directory",
        ),
    ],
)
def test_what_python_gives_wrongly_is_said_in_one_line(model, call, words):
    with pytest.raises(wg.InputError, match=words):
        call(model)


def test_a_model_says_what_it_lacks_and_what_shape_a_layer_has():
    model = wg.load()
    conv3 = model.activations(model.sample(1))["conv3"]
    with pytest.raises(InputError, match="'discriminator': this checkpoint has none; it has"):
        model.run("discriminator", conv3)
    with pytest.raises(InputError, match="'Q': this checkpoint has none; it has generator, q"):
        model.run("Q", conv3)
    with pytest.raises(InputError, match="layer 'Conv3': there are fc, conv1"):
        model.run_from("Conv3", conv3)
    with pytest.raises(InputError, match=r"shape \[1, 10, 32\]: conv3 has \[n, 1024, 32\]"):
        model.run_from("conv3", conv3[:, :10])


def test_help_lists_the_options_of_an_experiment_with_their_texts():
    for name in ("probe", "interpolate", "identify"):
        module = importlib.import_module(f"wavegan_tf.experiments.{name}")
        text = " ".join(getattr(wg, name).__doc__.split())
        for field in options(module.Options):
            assert f"{field.name} (default {field.default!r})" in text
            assert " ".join(field.metadata["option"]["help"].split())[:60] in text
