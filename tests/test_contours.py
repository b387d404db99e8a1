"""Contours of planted tones; the command end to end; options that have no meaning."""

import math

import conftest
import numpy as np
import pandas as pd
import planted_contours
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.contours import Options, longest, run, sentences
from wavegan_tf.experiments.listen import complaints
from wavegan_tf.experiments.result import Result, load_run
from wavegan_tf.latents import code_settings
from wavegan_tf.model import load
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.stats.curves import OWN_ALONE, compare_groups
from wavegan_tf.stats.resampling import StatisticsSettings

CIWGAN = conftest.ROOT / "tests" / "reference" / "checkpoints" / "ciwgan"


@pytest.mark.parametrize("track", planted_contours.TRACKS)
def test_tones_part_from_the_planted_layer_on(track):
    first, named, result = planted_contours.find("parts", 1, track, n=10)
    assert (first, named) == ("conv3", ["conv3", "conv4", "out"])
    table = result.table("contours").query("layer == 'conv4' and group == 'c1=1'")
    assert table["estimate"][:-1].is_monotonic_increasing and (table["n"] == 10).all()
    assert "c1=1 and c2=1: first shown to part at Conv3" in result.summary()
    if track == "f0":
        assert "- Cannot carry F0: Conv1." in result.summary()
        assert set(result.table("tests")["layer"]) == {"conv2", "conv3", "conv4", "out"}
    else:
        assert "not shown at Conv1, Conv2" in result.summary()


def test_layers_that_differ_by_the_places_of_intervals_alone_do_not_part():
    _, named, result = planted_contours.find("places", 0, n=10)
    verdicts = result.table("differences").set_index("layer")["verdict"]
    assert named == ["out"]  # where the voice itself is later
    assert (verdicts[["conv2", "conv3", "conv4"]] == OWN_ALONE).all()
    assert "c1=1 and c2=1: first shown to part at Out" in result.summary()


def test_the_contour_of_an_output_is_that_of_its_longest_interval():
    rows = [(0, 0.1, 0.3), (0, 0.4, 0.9), (2, 0.0, 0.2)]
    intervals = pd.DataFrame(rows, columns=["output", "start_s", "end_s"])
    intervals["value"] = intervals["end_s"] - intervals["start_s"]
    intervals = intervals.assign(channel=1, label="voiced", measure="duration")
    outputs = pd.DataFrame({"output": range(3), "channel": 1, "measured": [True, False, True]})
    tables, model = {"outputs": outputs, "intervals": intervals}, planted_contours.model("null", 0)
    found = longest(tables, "voiced", model)
    assert [x and x[0][1:] for (x,) in found] == [(0.4, 0.9), (), (0.0, 0.2)]
    whole = longest(tables, "output", model)
    assert [x and x[0][1:] for (x,) in whole] == [(0.0, 1.024), (), (0.0, 1.024)]


def curves_of(means, n=12, seed=0):
    """Curves [n * groups, points] about the means [groups, points] of groups a, b, .."""
    noise = np.random.default_rng(seed).standard_normal((n, len(means), len(means[0])))
    return (0.2 * noise + np.asarray(means, float)).reshape(-1, len(means[0]))


def told(layers, names, target="out", **more):
    """What is said of curves by layer, of groups in turn."""
    groups = np.resize(list(names), len(next(iter(layers.values()))))
    differences, tests = compare_groups(layers, groups, StatisticsSettings(), **more)
    rows = [
        (layer, group, point + 1, x[groups == group][:, point].mean(), math.nan, 12)
        for layer, x in layers.items()
        for group in names
        for point in range(x.shape[1])
    ]
    columns = ["layer", "group", "point", "estimate", "at_stride", "n"]
    contours = pd.DataFrame(rows, columns=columns).assign(low=math.nan, high=math.nan)
    tables = {"differences": differences, "tests": tests, "contours": contours}
    settings = {
        "target": target, "track": "f0", "unit": "Hz", "of": "voiced",
        "layers": [{"layer": layer} for layer in layers], "paired": target == "out",
        "n_points": contours["point"].max(), "statistics": {"confidence": 0.95},
    }  # fmt: skip
    return Result("contours", settings, tables)


def test_points_that_differ_are_listed_with_the_n_of_the_claim():
    x = curves_of([[0] * 6, [0, 0, 1, 0, -1, -1.2]])
    x[:4, 5] = np.nan  # of the last point, where the difference is largest
    [said] = sentences(told({"conv1": x}, "ab"))
    assert said.startswith("a and b: first shown to part at Conv1 (at points 3, 5-6; p <= 0.001,")
    assert said.endswith("n 20).")


@pytest.mark.parametrize(("n_near", "verdict"), [(7, "at a stride"), (6, "parts")])
def test_where_a_group_lies_mostly_at_a_stride_it_does_not_part(n_near, verdict):
    x, near = curves_of([[0, 0], [0, 1]]), np.zeros((24, 2), bool)
    near[1 : 2 * n_near : 2, 1] = True  # of b's 12 values at the point
    near[::2, 0] = True  # where nothing differs
    result = told({"conv1": x}, "ab", at_stride={"conv1": near})
    row = result.table("differences").iloc[0]
    assert row["verdict"] == verdict and row["at_stride"] == (12 + n_near) / 48
    assert result.table("tests")["differs"].any() == (verdict == "parts")


def test_words_that_part_in_the_sound_are_counted_and_no_layer_is_named():
    sound = curves_of([[0, 0], [0, 0], [5, 5]])
    layer = curves_of([[0, 0], [3, 3], [5, 5]], seed=1)
    found = sentences(told({"input": sound, "conv1": layer}, "abc", "input"))
    assert found[0] == "2 of 3 pairs part in the sound itself (Input)."
    assert [x.split(" (")[0] for x in found[1:]] == ["a and b: first shown to part at Conv1"]


def test_points_of_too_few_values_are_not_drawn():
    x = curves_of([[0, 0, 0], [0, 1, 1]])
    x[:16, 1] = np.nan
    lines = told({"conv1": x}, "ab").figure("contours").axes[0].lines
    assert np.isfinite(lines[0].get_ydata()).tolist() == [True, False, True]


def test_semitones_are_those_of_the_planted_f0():
    _, _, result = planted_contours.find("null", 0, "f0_semitones", n=5, layers="out")
    table = result.table("contours")
    assert set(table["unit"]) == {"st re 100 Hz"}
    assert table["estimate"].mean() == pytest.approx(12 * np.log2(1.4), abs=0.5)  # 140 Hz


def test_words_of_recordings_are_groups(speech_dir, tmp_path):
    model = load(CIWGAN, model="ciwgan")
    options = Options(
        network="q", wav_dir=str(speech_dir), word="(vowel.)", track="series", of="output",
        layers="conv2", jobs=1,
    )  # fmt: skip
    result = run(model, options)
    assert result.table("contours")["group"].unique().tolist() == [f"vowel{i}" for i in range(6)]
    assert set(result.table("differences")["verdict"]) == {"too few"}
    assert result.figure("contours")
    with pytest.raises(InputError, match="--wav_dir=.*recordings of 1 words; give two or more"):
        run(model, Options(network="q", wav_dir=str(speech_dir), word="(vowel)", jobs=1))


def test_over_whole_outputs_no_interval_is_searched_for_or_missed(tmp_path):
    _, _, result = planted_contours.find("parts", 0, n=2, of="output", layers="conv1")
    result.save(tmp_path / "run", figures=False)  # tests/test_readme.py runs the command
    loaded = load_run(tmp_path / "run")
    assert loaded.summary() == result.summary() and "c1=1" in loaded.terminal()
    assert loaded.table("layers")["layer"].tolist() == ["conv1", "out"]
    outputs = result.table("outputs")
    assert "n_voiced" not in outputs and "intervals" not in result.tables
    assert complaints(outputs) == [] and result.table("contours")["n"].eq(2).all()


def test_a_group_may_be_called_all():
    x, words = np.arange(20.0)[:, np.newaxis], np.tile(["all", "one"], 10)
    table, _ = compare_groups({"conv1": x}, words, StatisticsSettings())
    assert table[["group", "reference", "n"]].to_numpy().tolist() == [["one", "all", 20]]


def test_codes_are_set_each_alone():
    fiwgan = ModelConfig(model="fiwgan", num_categ=2, dim=1)
    assert code_settings(fiwgan) == ["c1=1,c2=0", "c1=0,c2=1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"condition": ("c1=1",)}, "--condition=c1=1: give two or more"),
        ({"condition": tuple(f"z1={k}" for k in range(8))}, "8 conditions; give at most 7"),
        ({"track": "cog"}, "--track=cog --of=voiced: there is no such track"),
        ({"of": "output"}, "--track=f0 --of=output: .*there are series, shape"),
        ({"network": "q"}, "--network=q: this network reads recordings; add --wav_dir"),
        ({"wav_dir": "."}, "--wav_dir: has no meaning with --network=generator"),
    ],
)
def test_options_without_a_meaning_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Options(**options)


def test_a_model_without_codes_asks_for_conditions(reference):
    with pytest.raises(InputError, match="--condition: this wavegan has no codes to compare"):
        run(load(reference / "checkpoints" / "wavegan", model="wavegan"), Options(jobs=1))
