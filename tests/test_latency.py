"""Latencies and likeness of planted layers; references as files; the command; groups of models."""

import math

import numpy as np
import pandas as pd
import planted_latency
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter1d

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import latency
from wavegan_tf.experiments.latency import Options, read_reference
from wavegan_tf.experiments.result import Result, load_run
from wavegan_tf.stats import latencies
from wavegan_tf.stats.models import compare_groups
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

FEW = StatisticsSettings(n_resamples=100)


def test_planted_lags_are_found_and_layers_follow(tmp_path):
    result = planted_latency.find("lagged", 0, tmp_path, n_surrogates=99, statistics=FEW)
    assert not list(planted_latency.missed(result, "lagged"))
    table = result.table("latency")
    assert (table["peak_s_low"] <= table["peak_s"]).all() and (table["n_outputs"] == 25).all()
    assert "is more like the reference than its surrogates" in result.summary()


def test_a_wave_of_the_same_spectrum_does_not_follow(tmp_path):
    result = planted_latency.find("null", 0, tmp_path, n_surrogates=199, layers="conv2,conv3")
    assert not len(planted_latency.wrong(result, "null"))
    assert "Not shown to be more like it: Conv2, Conv3, Out." in result.summary()


def test_groups_of_models_differ_by_the_planted_lag(tmp_path):
    result = planted_latency.find("groups", 0, tmp_path)
    assert not list(planted_latency.missed(result, "groups"))
    groups = result.table("groups")
    assert groups["p_least"].unique().tolist() == pytest.approx([2 / math.comb(8, 4)])
    result.save(tmp_path / "run", figures=False)
    assert "planted7/model.ckpt-0" in (tmp_path / "run" / "report.html").read_text()
    loaded = load_run(tmp_path / "run")  # tests/test_readme.py runs the command
    assert loaded.summary() == result.summary() and "(p 0.029; 4 and 4 models)" in loaded.summary()
    assert loaded.figure("latency") and loaded.figure("averages")


def test_three_models_a_group_can_show_nothing_and_the_least_p_is_told():
    names = [f"m{k}" for k in range(6)]
    models = pd.DataFrame({"model": names, "training": names, "step": 0, "group": [*"ababab"]})
    values = pd.DataFrame({"model": names, "layer": "conv1"})
    values["value"] = [k % 2 + k / 1e4 for k in range(6)]
    [row] = compare_groups(values, ["layer"], models, StatisticsSettings()).to_dict("records")
    assert (row["verdict"], row["group"], row["reference"]) == (TOO_FEW, "b", "a")
    assert row["p_least"] == pytest.approx(2 / math.comb(6, 3))
    assert row["estimate"] == pytest.approx(1 + 1e-4)


def test_a_short_response_is_not_called_alike_to_independent_curves():
    times_s, wrong = (np.arange(512) + 0.5) / 1000, 0
    burst = np.exp(-(((times_s - 0.05) / 0.02) ** 2)) * np.sin(2 * np.pi * 40 * times_s)
    for seed in range(40):  # with surrogates of the reference alone a third would be
        noise = np.random.default_rng(seed).standard_normal(712)
        folded = latencies.Folded(512)
        folded.add(gaussian_filter1d(noise, 10)[100:-100])
        found = latencies.describe(folded, burst, times_s, 1000, 0.05, 99, seed, FEW)
        wrong += found["p"] < 0.05
    assert stats.binomtest(wrong, 40, 0.05, "greater").pvalue > 0.01


def test_layers_that_are_not_shown_are_counted_over_models():
    rows = [(f"m{k}", layer, latencies.NOT_SHOWN) for k in (1, 2) for layer in ("conv1", "out")]
    table = pd.DataFrame(rows[:3], columns=["model", "layer", "verdict"])
    [said] = latency.sentences(Result("latency", {}, {"latency": table}))
    assert said == "Not shown to be more like it: Conv1 (2 of 2 models), Out (1 of 2 models)."


def test_what_is_most_alike_at_the_longest_lag_is_no_claim(tmp_path):
    result = planted_latency.find("lagged", 0, tmp_path, n_surrogates=199, n=5, max_lag_s=0.02,
                                  layers="conv2", statistics=FEW)  # fmt: skip
    table = result.table("latency").set_index("layer")  # Conv2 lags 24 ms, Out 4 ms
    assert table["p_holm"].max() < 0.05
    assert table["verdict"].tolist() == ["lag at its limit", latencies.FOLLOWS]
    said = latency.sentences(result)
    assert [x[:4] for x in said] == ["Out ", "No c"] and "longest lag: Conv2." in said[1]
    assert "(p <= 0.010)" in said[0]  # of two tests
    peaks, lags = (axis.lines for axis in result.figure("latency").axes)
    assert np.isfinite(peaks[0].get_ydata()).all()
    assert np.isfinite(lags[0].get_ydata()).tolist() == [False, True]


def test_of_a_training_the_last_checkpoint_alone_is_compared():
    names = [f"m{k}" for k in range(8)]
    models = pd.DataFrame({"model": names, "training": [*"aabbccdd"], "group": [*"xxxxyyyy"]})
    models["step"] = [1, 2, 2, 1] * 2
    values = pd.DataFrame({"model": names, "layer": "conv1", "value": np.arange(8.0)})
    [row] = compare_groups(values, ["layer"], models, StatisticsSettings()).to_dict("records")
    assert (row["n"], row["n_reference"]) == (2, 2)
    assert (row["mean"], row["mean_reference"]) == ((5 + 6) / 2, (1 + 2) / 2)


def test_a_layer_without_a_sample_in_the_window_has_no_values():
    assert latencies.at_times(np.arange(9.0), 1000, np.empty(0), 10).size == 0


def test_the_place_of_a_peak_is_the_top_of_its_parabola():
    x = np.arange(20)
    curves = np.stack([-((x - 7.3) ** 2.0), x * 1.0, np.zeros(20), -((x - 19.0) ** 2)])
    np.testing.assert_allclose(latencies.peak_times(curves), [7.3, np.nan, np.nan, np.nan])


def test_r_at_each_lag_is_that_of_scipy_over_the_overlap():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(50) + 3, rng.standard_normal([3, 50]) - 2
    found = latencies.lagged_r(x, y, 5)
    for k, lag in enumerate(range(-5, 6)):
        a, b = (x[lag:], y[:, : 50 - lag]) if lag >= 0 else (x[:lag], y[:, -lag:])
        expected = [stats.pearsonr(a, each).statistic for each in b]
        np.testing.assert_allclose(found[:, k], expected, atol=1e-10)


@pytest.mark.parametrize("length", [64, 65])
def test_surrogates_have_the_spectrum_and_the_mean(length):
    rng = np.random.default_rng(1)
    series = rng.standard_normal(length) + 4
    drawn = latencies.surrogates(series, 5, rng)
    spectra = np.abs(np.fft.rfft(drawn, axis=1))
    np.testing.assert_allclose(spectra, np.tile(np.abs(np.fft.rfft(series)), (5, 1)), rtol=1e-8)
    np.testing.assert_allclose(drawn.mean(axis=1), series.mean())
    assert np.abs(np.corrcoef(drawn) - np.eye(5)).max() < 0.6


def test_more_outputs_than_sums_share_them_and_the_mean_stays():
    series = np.random.default_rng(2).standard_normal([300, 7])
    folded = latencies.Folded(7)
    for x in series:
        folded.add(x)
    assert folded.sums().shape == (latencies.FOLDS, 7) and folded.n == 300
    np.testing.assert_allclose(folded.mean(), series.mean(axis=0))


@pytest.mark.parametrize("to_hz", [10, 250])
def test_a_reference_gets_the_times_of_a_layer(to_hz):
    slow = np.sin(2 * np.pi * (np.arange(100) + 0.5) / 100)  # 1 s at 100 Hz
    times_s = (np.arange(to_hz) + 0.5) / to_hz
    found = latencies.at_times(slow, 100, times_s, to_hz)
    np.testing.assert_allclose(found, np.sin(2 * np.pi * times_s), atol=0.04)


def test_references_are_tables_of_one_or_two_columns_or_recordings(tmp_path, speech_dir):
    two, one = tmp_path / "two.csv", tmp_path / "one.csv"
    two.write_text("time_s,value\n-0.01,1\n0,2\n0.01,4\n")
    one.write_text("1\n2\n4\n")
    found = read_reference(Options(reference=str(two)))
    assert found.samples.tolist() == [1, 2, 4]
    assert (found.rate_hz, found.start_s) == (pytest.approx(100), pytest.approx(-0.015))
    found = read_reference(Options(reference=str(one), reference_rate=50.0))
    assert (found.samples.tolist(), found.rate_hz, found.start_s) == ([1, 2, 4], 50, 0)
    sound = read_reference(Options(reference=str(speech_dir / "vowel0.wav")))
    assert sound.rate_hz == 8000 and len(sound.samples) == 6000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n2\n", "has one column; give its rate, such as --reference_rate=1000"),
        ("time_s,value\n0,1\n0.1,2\n0.5,1\n", "time_s must rise in equal steps"),
        ("0,1\n1,x\n", "they may have numbers only"),
        ("0,1\n1,1\n", "does not vary"),
        ("", "is not a table"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, words):
    path = tmp_path / "reference.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_reference(Options(reference=str(path)))


def test_windows_are_two_rising_numbers():
    with pytest.raises(InputError, match="--window_s=0.1,0: give start and end in s"):
        Options(window_s="0.1,0")


def test_the_window_cuts_layers_and_reference(tmp_path):
    result = planted_latency.find("null", 0, tmp_path, n=2, n_surrogates=99, layers="conv3",
                                  window_s="0,0.1")  # fmt: skip
    assert result.table("latency")["layer"].tolist() == ["conv3", "out"]
    assert result.arrays["averages"]["conv3"].shape == (3, 100)
