"""Causal effects: the estimates by NumPy and SciPy, planted causes, the command, errors."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import planted_cdev
import pytest
import scipy

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import cdev, treated
from wavegan_tf.experiments.properties import label_outputs, parse_property
from wavegan_tf.experiments.result import load_run
from wavegan_tf.model import Models
from wavegan_tf.output import text
from wavegan_tf.output.names import outcome_phrase
from wavegan_tf.output.style import GREY
from wavegan_tf.stats import sweeps, treatments
from wavegan_tf.stats.resampling import StatisticsSettings

SETTINGS = StatisticsSettings(n_resamples=200)
X = np.array([-2.0, 0.0, 1.0, 4.0])


def outcomes(y, measure="level"):
    """Values of one outcome, [bases, values]."""
    return sweeps.values_frame({(1, "out", "output", measure, "1"): np.ravel(y)})


NO_CONTROLS = outcomes(np.empty(0))


def test_the_forward_difference_is_the_mean_over_units_that_have_values():
    y = np.array([[0, 4, 5, 11], [0, np.nan, 5, 11], [np.nan, 1, np.nan, 2]])
    np.testing.assert_allclose(treatments.forward_differences(X, y), [11 / 6, 2, np.nan])


def test_average_effects_are_paired_differences_with_their_t_test():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(12, 4)) + X
    y[0, 0] = np.nan
    found = treatments.measure_treatments(outcomes(y), NO_CONTROLS, X, 0.0, SETTINGS)
    mean = found[found["statistic"] == "mean"].set_index("value")
    assert list(mean.index) == [-2, 1, 4] and list(mean["n"]) == [11, 12, 12]
    for k, value in ((0, -2), (2, 1), (3, 4)):
        there = np.isfinite(y[:, k])
        test = scipy.stats.ttest_rel(y[there, k], y[there, 1])
        row = mean.loc[value]
        assert row["estimate"] == pytest.approx(np.mean(y[there, k] - y[there, 1]))
        assert row["p"] == pytest.approx(test.pvalue)
        assert row["low"] < row["estimate"] < row["high"]


def test_the_effect_on_the_spread_is_a_difference_of_standard_deviations():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 4)) * [1, 1, 3, 0.2]
    found = treatments.measure_treatments(outcomes(y), NO_CONTROLS, X, 0.0, SETTINGS)
    sd = found[found["statistic"] == "sd"].set_index("value")
    np.testing.assert_allclose(sd["estimate"], (y.std(0, ddof=1) - y[:, 1].std(ddof=1))[[0, 2, 3]])
    far = np.abs(y - np.median(y, axis=0))
    assert sd.loc[1, "p"] == pytest.approx(scipy.stats.ttest_rel(far[:, 2], far[:, 1]).pvalue)
    assert (sd["p"] < 0.001).tolist() == [False, True, True]
    assert sd.loc[1, "low"] < 2 < sd.loc[1, "high"]


def test_individual_effects_agree_in_sign_and_are_ranked_among_controls():
    rng = np.random.default_rng(0)
    slopes = np.array([1.0, 2, 3, 4, -1, 5, 6, 2, 2, 2])
    y = slopes[:, None] * X
    theirs = rng.normal(size=(10, 19, 1)) * 0.1 + [[-2.0, 0, 4]] * np.linspace(0, 1, 19)[:, None]
    table = treatments.measure_individual(outcomes(y), outcomes(theirs), X, 0.0, SETTINGS)
    found = table.iloc[0]
    assert found["estimate"] == pytest.approx(slopes.mean()) and found["agreement"] == 0.9
    assert (found["n_controls"], found["n_controls_as_large"]) == (19, 0)
    assert found["control_high"] == pytest.approx(1) and found["control"] == pytest.approx(0.5)
    assert found["p_control"] == pytest.approx(1 / 20)


def test_a_verdict_is_printed_with_the_sizes_that_it_rests_on():
    """By hand: a V at the reference is larger than a control that is larger from end to end."""
    y = np.array([[6.0, 0, 5, 9]]).repeat(9, axis=0)
    ends = np.array([[-2.0, 0, 2]] * 18 + [[-4, 0, 4]])  # of controls: at -2, 0 and 4
    theirs = outcomes(np.tile(ends, (9, 1, 1)))
    row = treatments.measure_individual(outcomes(y), theirs, X, 0.0, SETTINGS).iloc[0]
    assert row["control_high"] == pytest.approx(8 / 6) and row["estimate"] == pytest.approx(0.5)
    assert row[["change_from", "change_to", "change"]].tolist() == [0, 4, 9]
    to_end, between = (9 + 18 * 2 + 4) / 20, (3 + 18 * 4 + 8) / 20
    sizes = row[["size", "size_control", "size_control_high"]].tolist()
    assert sizes == pytest.approx([9 / to_end, 4 / between, 8 / between])
    assert row["n_controls_as_large"] == 0
    means = treatments.measure_treatments(outcomes(y), theirs, X, 0.0, SETTINGS)
    means = means[means["statistic"] == "mean"].set_index("value")
    assert means.loc[4, ["control", "control_high"]].tolist() == [2, 4]
    assert np.isnan(means.loc[1, "control_high"])


def test_the_distance_of_spectra_is_that_of_scipy():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(16), size=(9, 4))
    shares[:, 3, 0] += 4
    shares /= shares.sum(axis=2, keepdims=True)
    found = treatments.measure_spectra(
        np.cumsum(shares, axis=2), np.empty([9, 0, 3, 16]), X, 0.0, 50.0, SETTINGS, 999
    ).set_index("value")  # fmt: skip
    hz, mean = 50 * np.arange(16), shares.mean(axis=0)
    for k, value in ((0, -2), (3, 4)):
        expected = scipy.stats.wasserstein_distance(hz, hz, mean[k], mean[1])
        assert found.loc[value, "estimate"] == pytest.approx(expected)
    assert found.loc[4, "p"] >= found.loc[4, "p_least"] == 1 / 1000
    assert found.loc[4, "p"] < 0.01 < 0.1 < found.loc[-2, "p"] and found.loc[4, "low"] > 0


def test_gaps_lie_between_intervals_of_a_label():
    intervals = pd.DataFrame({
        "output": [0, 0, 0, 1], "start_s": [0.1, 0.4, 0.8, 0.2], "value": [0.1, 0.1, 0.1, 0.05],
        "channel": 1, "label": "voiced", "measure": "duration",
    })  # fmt: skip
    outputs = pd.DataFrame({"output": [0, 1], "channel": 1, "measured": True})
    wanted = parse_property("voiced.gap")
    np.testing.assert_allclose(label_outputs(wanted, outputs, intervals), [0.25, np.nan])
    assert (wanted.unit, wanted.measures) == ("s", ("duration",))


def test_the_sound_gives_its_spectral_mean_and_shares_of_power():
    taken = treated.Outcomes(["cog", "rms_db"])
    time_s = np.arange(16384) / 16000
    taken.take(0, np.sin(2 * np.pi * 1000 * time_s) + np.sin(2 * np.pi * 3000 * time_s), 16000)
    taken.take(1, np.zeros(16384), 16000)
    assert not taken.need_intervals and np.isnan(taken.shares[1]).all()
    outputs = pd.DataFrame({
        "output": [0, 1], "channel": 1, "measured": [True, False], "problem": ["", "silent"],
        "rms_db": [0.0, np.nan],
    })  # fmt: skip
    empty = pd.DataFrame(columns=["output", "channel", "label", "measure", "start_s", "value"])
    values = taken.values(outputs, empty).droplevel(["channel", "layer", "label", "unit"])
    assert values.loc["cog", 0] == pytest.approx(2000, abs=1) and np.isnan(values.loc["cog", 1])
    assert values.loc["cog", 0] == np.float32(values.loc["cog", 0])  # rounding is no effect
    assert taken.shares[0][32] == pytest.approx(0.5, abs=0.01)


@pytest.fixture(scope="module")
def planted():
    return planted_cdev.ask("code", 3)


def test_a_planted_code_is_found_with_its_slope_and_nothing_else(planted):
    [row] = planted.table("effects").query("latent == 'c1'").itertuples()
    assert row.low <= planted_cdev.truth(3) <= row.high and row.verdict == sweeps.MORE
    assert {latent for latent, _ in planted_cdev.claimed(planted)} == {"c1"}
    assert "effect of c1 on n_clicks is 0.1" in planted.summary()
    assert "effect of c2" not in planted.summary()
    assert planted.settings["measure"]["name"] == "n_clicks" and planted.figures[0] == "cdev_c1"


def test_the_figure_names_all_that_it_draws_and_has_controls_in_every_panel(planted):
    figure = planted.figure("cdev_c1")
    assert [x.get_text() for x in figure.legends[0].get_texts()] == [
        "Mean over base vectors", "Largest of the controls", "Shown to differ from 0",
        "95 % interval", "Base vectors", "Ends of the trained range",
    ]  # fmt: skip
    means = planted.table("treatments").query("latent == 'c1' and statistic == 'mean'")
    middle = planted.table("responses").query("latent == 'c1' and value == 0")["estimate"].item()
    grey = [line for line in figure.axes[0].lines if line.get_marker() == "o"][1:]
    found = np.sort([line.get_ydata() for line in grey], axis=0)
    highest = means["control_high"].to_numpy()
    np.testing.assert_allclose(found, [middle - highest, middle + highest])
    assert all(GREY in [x.get_color() for x in axis.lines] for axis in figure.axes)


def test_what_every_latent_moves_is_not_said_to_be_its_own():
    result = planted_cdev.ask("equal", 0)
    assert not planted_cdev.claimed(result)
    assert "effect of" not in result.terminal() and "1 changes as controls do" in result.terminal()


def test_voiced_intervals_are_counted_and_models_compared():
    made = [planted_cdev.model(*each) for each in (("code", 0, "a/x"), ("none", 0, "b/x"))]
    given = {"vary": ("c1=-12.5,12.5",), "outcomes": ("n_voiced",), "n": 15, "controls": 0}
    result = cdev.run_several(Models(made, ["one", "two"]), cdev.Options(**given, jobs=1))
    effects = result.table("effects").set_index("group")
    assert effects.loc["one", "estimate"] == pytest.approx(0.16, abs=0.03)
    assert effects.loc["two", "p_holm"] > 0.05
    [row] = result.table("replications").itertuples()
    assert (row.n_models, row.n_shown, row.n_more) == (2, 1, 0)
    assert outcome_phrase("output", "n_voiced", "1") == "the number of voiced intervals"
    assert effects["n_values"].tolist() == [3, 3]  # the reference is added


def test_values_at_a_ceiling_are_counted_and_counts_have_none():
    y = np.array([[1.0, 2, 9, 9], [0, 3, 9, 9], [1, 1, np.nan, 8]])
    found = treatments.count_limits(outcomes(y), X)
    assert found["n_limit"].tolist() == [1, 0, 2, 2] and found["limit"].tolist()[2:] == [9, 9]
    assert treatments.count_limits(outcomes(y, "n_x"), X)["n_limit"].tolist() == [0] * 4


def test_outputs_at_a_ceiling_are_said_beside_those_at_the_reference():
    def level(sound, rate):
        return min(planted_cdev.n_clicks(sound, rate), 4.0)

    made = planted_cdev.model("code", 0)
    bursts = made.generator.bursts
    bursts[4:] = np.clip(9 * bursts[4:], -1, 1)  # the fifth burst and later ones
    given = {"vary": ("c1=-12.5,12.5", "c2=-1,1"), "outcomes": (), "measure": level}
    result = cdev.run(made, cdev.Options(**given, n=6, controls=1, jobs=1))
    [said] = [x for x in cdev.sentences(result) if "reach a limit" in x]
    z = made.sample(6, 0)
    z[:, :2] = 12.5, 0
    share = text.percent((made.generator.numbers(z).numpy() > 4).mean())
    assert "of c1 reach a limit" in said and f"12.5 samples are clipped in {share} of 6" in said
    assert "outputs (at 0 in 0 %)" in said
    assert "level is 4 in 6 of 6 (at 0 in " in said and "at \u221212.5" not in said


def test_a_p_at_its_floor_is_written_as_at_most_that():
    row = SimpleNamespace(p=1e-4, p_least=1e-4, p_holm=0.007)
    assert cdev.CELLS["p"](row) == "<= 0.007"
    assert cdev.CELLS["p"](SimpleNamespace(p=1e-4, p_holm=0.007)) == "0.007"


def test_models_are_counted_by_the_verdict_and_only_one_training_replicates():
    given = {"vary": ("c1=-12.5,12.5",), "outcomes": (), "measure": planted_cdev.n_clicks}
    given |= {"n": 15, "controls": 19, "jobs": 1}
    for folder, replicated in (("a", True), ("b", False)):
        made = [planted_cdev.model("code", *x) for x in ((0, "a/x"), (1, f"{folder}/y"))]
        result = cdev.run_several(Models(made), cdev.Options(**given))
        [row] = result.table("replications").itertuples()
        assert row.n_more == (result.table("effects")["verdict"] == sweeps.MORE).sum() == 2
        said = "positive in 2 of 2 checkpoints of this training, shown in 2 of them"
        assert (said in result.summary()) == replicated
        assert ("each training gave c1 a meaning of its own" in result.summary()) != replicated


def test_an_effect_without_a_slope_counts_as_more_than_controls_by_its_verdict():
    rows = pd.DataFrame({"latent": "c1", "p_holm": [0.9, 0.001], "ends": [False, True]})
    rows = rows.assign(verdict=sweeps.MORE, estimate=1.0, **dict.fromkeys(sweeps.KEYS, "x"))
    [row] = treatments.count_models(rows, SETTINGS).itertuples()
    assert (row.n_shown, row.n_more) == (1, 2)


@pytest.mark.parametrize(
    ("variant", "options", "named"),
    [
        ("ciwgan", {}, "c1, z3"),
        ("ciwgan", {"others": "drawn"}, "c1"),
        ("ciwgan", {"others": "drawn", "reference": 1}, ""),
        ("fiwgan", {}, ""),
    ],
)
def test_a_reference_of_a_code_that_training_never_had_is_said(variant, options, named):
    made = planted_cdev.model("none", 0, variant=variant)
    given = {"vary": ("c1=0,2", "z3=0,2"), "outcomes": ("cog",), "n": 4, "controls": 1}
    said = cdev.run(made, cdev.Options(**given | options, jobs=1)).terminal()
    assert (f"The reference of {named} has a code of zeros" in said) == bool(named)
    assert ("with which a ciwGAN is never trained" in said) == bool(named)


def test_an_outcome_without_any_value_has_an_empty_panel_and_no_verdict():
    result = planted_cdev.ask("none", 0, n=3, controls=1, measure=lambda sound, rate: np.nan)
    assert " too few base vectors" in result.terminal()
    assert len(result.figure("cdev_c1").axes) == 2


def test_the_command_writes_what_a_file_measures(run_script, tmp_path):
    (tmp_path / "peak.py").write_text("def measure(sound, rate):\n    return abs(sound).max()\n")
    result = run_script(
        "-m wavegan_tf cdev", "--vary=c1=-1,1", "--outcomes=cog", f"--measure={tmp_path}/peak.py",
        "--n=5", "--controls=1", "--nofigures", "--noreport", f"--out_dir={tmp_path}/out",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = load_run(tmp_path / "out")
    assert found.table("effects")["measure"].tolist() == ["cog", "peak"]
    assert len(json.loads((tmp_path / "out/config.json").read_text())["measure"]["sha256"]) == 64
    assert list(tmp_path.glob("**/*.pyc")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("measure = ", "SyntaxError"),
        ("x = 1", "does not define a function measure"),
        ("def measure(sound, rate): return sound[99]", "output 4: IndexError"),
        ("def measure(sound, rate): return 'loud'", "returned 'loud'"),
        ("def measure(sound, rate): return float('inf')", "returned inf"),
    ],
)
def test_an_own_measure_that_cannot_be_used_is_named(tmp_path, text, words):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=f"--measure=.*mine.py: .*{words}"):
        treated.OwnMeasure(str(path)).take(np.zeros(9), 16000, 4)


def test_outcomes_that_are_none_or_given_twice_are_refused():
    with pytest.raises(InputError, match="--outcomes=loudness: there is no property .*also cog"):
        cdev.Options(outcomes=("loudness",))
    with pytest.raises(InputError, match="--outcomes: cog is given twice"):
        cdev.Options(outcomes=("cog", "cog"))
    with pytest.raises(InputError, match="--outcomes: is empty; .* or --measure"):
        cdev.Options(outcomes=())


def test_an_own_measure_is_a_function_or_a_file_of_a_name_of_its_own():
    def cog(sound, rate):
        return 0.0

    assert treated.Outcomes(["rms_db"], cog).own.name == "cog"
    with pytest.raises(InputError, match="--outcomes: cog is given twice"):
        treated.Outcomes(["cog"], cog)
    with pytest.raises(InputError, match="--measure=3: no such file"):
        treated.Outcomes([], 3)
