"""Correlations against SciPy's own, verdicts against rules and against chance."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from wavegan_tf.analysis.controls import Limits
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.statistics import correlate, verdict
from wavegan_tf.analysis.values import Values

QUICK = StatisticsSettings(n_resamples=200, n_shuffles=100)
COLUMNS = [
    "channel", "label", "measure", "unit", "layer", "statistic", "value", "low", "high", "n",
    "n_outputs", "n_flagged", "random", "random_high", "n_random", "shuffled", "shuffled_high",
    "verdict",
]  # fmt: skip


def rows_of(layer, table, measure="intensity", unit="dB", **others):
    """Rows of measurements.csv from ``[outputs, points]``."""
    return [
        {
            "id": i, "channel": 1, "layer": layer, "interval": 1, "label": "voiced", "point": k,
            "measure": measure, "unit": unit, "value": float(value), "flag": "", **others,
        }
        for i, points in enumerate(np.asarray(table)) for k, value in enumerate(points, start=1)
    ]  # fmt: skip


def values_of(*rows, whole=()):
    values = Values()
    for each in rows:
        values.add_points(each)
    for each in whole:
        values.add_intervals(each)
    return values


def network(rng, r, n_outputs=20, n_points=5, layer="conv4"):
    """A network whose layer correlates with its output at r, between outputs and within them."""
    out = rng.standard_normal((n_outputs, 1)) + rng.standard_normal((n_outputs, n_points))
    noise = rng.standard_normal((n_outputs, 1)) + rng.standard_normal((n_outputs, n_points))
    mixed = r * out + math.sqrt(1 - r * r) * noise
    return values_of(rows_of("out", out), rows_of(layer, mixed))


def by_statistic(table, **wanted):
    rows = [row for row in table if all(row[key] == value for key, value in wanted.items())]
    return {row["statistic"]: row for row in rows}


def test_statistics_are_scipys_over_the_concatenated_values():
    rng = np.random.default_rng(0)
    out, conv4 = rng.standard_normal((2, 12, 4))
    out[3, 2] = conv4[5, 1] = conv4[0, :3] = math.nan  # output 0 keeps one pair
    rows = by_statistic(correlate(values_of(rows_of("conv4", conv4), rows_of("out", out)), [],
                                  "out", 0, QUICK))  # fmt: skip
    both = np.isfinite(out) & np.isfinite(conv4)
    x, y = conv4[both], out[both]
    assert rows["pearson"]["value"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert rows["spearman"]["value"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    kept = [i for i in range(12) if both[i].sum() > 1]
    less = [np.concatenate([v[i][both[i]] - v[i][both[i]].mean() for i in kept])
            for v in (conv4, out)]  # fmt: skip
    within = rows["within_output"]
    assert within["value"] == pytest.approx(stats.pearsonr(*less).statistic, abs=1e-12)
    assert (rows["pearson"]["n"], rows["pearson"]["n_outputs"]) == (43, 12)
    assert (within["n"], within["n_outputs"]) == (42, 11)


def test_rows_have_the_columns_of_the_table_for_every_layer_but_the_target():
    rng = np.random.default_rng(1)
    layers = ("conv1", "conv2", "input")
    rows = [rows_of(name, rng.standard_normal((6, 3)), "f0", "Hz") for name in layers]
    table = correlate(values_of(*rows), [], "input", 0, QUICK)
    assert all(list(row) == COLUMNS for row in table)
    assert [(row["measure"], row["layer"]) for row in table[::3]] == [
        ("f0", "conv1"), ("f0", "conv2"), ("f0_semitones", "conv1"), ("f0_semitones", "conv2"),
    ]  # fmt: skip
    assert [row["statistic"] for row in table[:3]] == ["pearson", "within_output", "spearman"]
    assert {row["unit"] for row in table} == {"Hz", "st re 100 Hz"}


def test_f0_is_compared_in_semitones_too():
    f0_hz = np.random.default_rng(2).uniform(80, 300, (2, 10, 4))
    values = values_of(rows_of("conv4", f0_hz[0], "f0", "Hz"), rows_of("out", f0_hz[1], "f0", "Hz"))
    rows = by_statistic(correlate(values, [], "out", 0, QUICK), measure="f0_semitones")
    semitones = 12 * np.log2(f0_hz.reshape(2, -1) / 100)
    expected = stats.pearsonr(*semitones).statistic
    assert rows["pearson"]["value"] == pytest.approx(expected, abs=1e-12)


def test_what_only_intervals_have_is_compared_by_interval():
    rng = np.random.default_rng(3)
    tables = rng.standard_normal((2, 12, 3))
    whole = [
        [{**row, "interval": row["point"]} for row in rows_of(name, table, "duration", "s")]
        for name, table in zip(("conv4", "out"), tables, strict=True)
    ]
    means = [rows_of("conv4", tables[0]), rows_of("out", tables[0])]
    points = [rows_of("conv4", tables[0]), rows_of("out", tables[1])]
    values = values_of(*points, whole=[*whole, [r for m in means for r in m if r["point"] == 1]])
    table = correlate(values, [], "out", 0, QUICK)
    expected = pytest.approx(np.corrcoef(tables.reshape(2, -1))[0, 1], abs=1e-12)
    for measure in ("duration", "intensity"):  # not the means of intensity, which are all equal
        row = by_statistic(table, measure=measure)["pearson"]
        assert (row["value"], row["n"], row["n_outputs"]) == (expected, 36, 12)


def test_channels_and_labels_are_kept_apart():
    rng = np.random.default_rng(4)
    tables = rng.standard_normal((2, 2, 2, 12, 3))
    values = values_of(*(
        rows_of(layer, tables[c, k, s], channel=c + 1, label=label)
        for c in (0, 1) for k, label in enumerate(("voiced", "silence"))
        for s, layer in enumerate(("conv4", "out"))
    ))  # fmt: skip
    table = correlate(values, [], "out", 0, QUICK)
    for c in (0, 1):
        for k, label in enumerate(("voiced", "silence")):
            row = by_statistic(table, channel=c + 1, label=label)["pearson"]
            assert row["value"] == pytest.approx(
                np.corrcoef(tables[c, k].reshape(2, -1))[0, 1], abs=1e-12
            )


def test_the_same_values_in_another_order_give_the_same_table_to_the_bit():
    rng = np.random.default_rng(5)
    layers = ("conv1", "conv4", "out")
    rows = [row for layer in layers for m in ("f0", "f1")
            for row in rows_of(layer, rng.uniform(80, 300, (9, 4)), m, "Hz")]  # fmt: skip
    mixed = random.Random(0).sample(rows, len(rows))
    one, other = (correlate(values_of(r), [values_of(r)], "out", 7, QUICK) for r in (rows, mixed))
    assert repr(one) == repr(other)
    assert repr(one) != repr(correlate(values_of(rows), [values_of(rows)], "out", 8, QUICK))


def test_flags_on_either_side_are_counted():
    rng = np.random.default_rng(6)
    rows = rows_of("out", rng.standard_normal((8, 3))) + rows_of("c", rng.standard_normal((8, 3)))
    rows[0]["flag"] = rows[24]["flag"] = rows[30]["flag"] = "clipped"  # 24 is the place of 0
    for layer in ("out", "c"):  # an output of one pair, which within_output does without
        rows += rows_of(layer, [[2.0]], id=99, flag="octave jump")
    table = correlate(values_of(rows), [], "out", 0, QUICK)
    assert [row["n_flagged"] for row in table] == [3, 2, 3]


@pytest.mark.parametrize(("n_outputs", "n_points"), [(4, 9), (9, 1), (1, 40), (0, 0)])
def test_too_little_data_make_no_verdict(n_outputs, n_points):
    rng = np.random.default_rng(7)
    one = rows_of("out", rng.standard_normal((n_outputs, n_points)))
    rest = rows_of("conv4", rng.standard_normal((n_outputs, n_points)))
    rest += rows_of("conv4", [[math.nan]], interval=9) + rows_of("out", [[math.nan]], interval=9)
    table = correlate(values_of(one + rest), [], "out", 0, QUICK)
    assert len(table) == 3
    assert all(row["verdict"] == "too few" and math.isnan(row["low"]) for row in table)
    assert table[0]["n"] == n_outputs * n_points


def test_a_side_that_does_not_vary_makes_no_value():
    rng = np.random.default_rng(8)
    values = values_of(rows_of("out", np.ones((9, 4))), rows_of("c", rng.standard_normal((9, 4))))
    for row in correlate(values, [values, values], "out", 0, QUICK):
        assert math.isnan(row["value"]) and row["n"] == 36 and row["verdict"] == "too few"


def test_nothing_measured_makes_an_empty_table():
    assert correlate(Values(), [Values()], "out", 0, QUICK) == []


def test_a_layer_without_rows_has_its_row_in_the_table():
    rng = np.random.default_rng(9)
    values = values_of(*(rows_of(layer, rng.standard_normal((6, 3))) for layer in ("c", "out")),
                       rows_of("c", rng.standard_normal((6, 3)), "f1", "Hz"))  # fmt: skip
    rows = by_statistic(correlate(values, [], "out", 0, QUICK), measure="f1")
    assert rows["pearson"]["n"] == 0 and rows["pearson"]["verdict"] == "too few"


def test_a_network_that_was_never_measured_is_no_control():
    rng = np.random.default_rng(10)
    few = network(rng, 0.9, n_outputs=4)
    for controls in ([], [Values()] * 5, [few] * 5, [network(rng, 0.1), Values()]):
        (row, *_) = correlate(network(rng, 0.95), controls, "out", 0, QUICK)
        assert row["verdict"] == "no control" and math.isnan(row["random_high"])


def test_a_layer_far_above_its_controls_is_encoded_and_an_upside_down_one_inverse():
    rng = np.random.default_rng(11)
    controls = [network(rng, r) for r in (0.1, 0.3, 0.2, 0.15, 0.25)]
    for r, expected in ((0.9, "encoded"), (-0.9, "inverse"), (0.2, "not above either")):
        rows = by_statistic(correlate(network(rng, r, 40), controls, "out", 0, QUICK))
        assert {row["verdict"] for row in rows.values()} == {expected}
        assert rows["pearson"]["n_random"] == 5
        assert -0.1 < rows["pearson"]["random"] < 0.5


def test_a_course_that_all_outputs_share_is_not_above_shuffled():
    rng = np.random.default_rng(12)
    course = np.sin(np.linspace(0, np.pi, 8))
    own = 0.02 * rng.standard_normal((2, 20, 8))
    values = values_of(rows_of("out", course + own[0]), rows_of("conv4", course + own[1]))
    controls = [network(rng, 0.1, n_points=8) for _ in range(5)]
    rows = by_statistic(correlate(values, controls, "out", 0, QUICK))
    assert rows["pearson"]["value"] > 0.99
    assert {row["verdict"] for row in rows.values()} == {"not above shuffled"}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.6, 0.8, "encoded"), (0.5, 0.8, "not above random"), (0.3, 0.9, "not above either"),
        (-0.9, -0.4, "inverse"), (-0.9, -0.3, "not above either"), (math.nan, 0.9, "too few"),
    ],
)  # fmt: skip
def test_the_whole_interval_must_be_above_both_limits(low, high, expected):
    random_range, shuffled = Limits(0.2, -0.2, 0.5, 5), Limits(0.0, -0.3, 0.3, 500)
    assert verdict(low, high, random_range, shuffled) == expected


def test_below_the_limit_of_shuffled_pairing_the_verdict_says_so():
    assert verdict(0.6, 0.8, Limits(0, -1, 0.5, 5), Limits(0, -1, 0.7, 9)) == "not above shuffled"


def test_one_more_untrained_network_is_encoded_no_more_often_than_the_nominal_rate():
    rng = np.random.default_rng(13)
    trials, found = 200, {"encoded": 0, "inverse": 0}
    settings = StatisticsSettings(n_resamples=100, n_shuffles=100)
    for trial in range(trials):
        r = np.clip(rng.normal(0.5, 0.15, 6), -0.95, 0.95)
        own, *controls = (network(rng, each, 30) for each in r)
        (row, *_) = correlate(own, controls, "out", trial, settings)
        found[row["verdict"]] = found.get(row["verdict"], 0) + 1
    # 16 of 200 is the 97.5 % quantile of a rate of 5 %
    assert found["encoded"] <= 16 and found["inverse"] <= 16
    assert found["not above random"] > trials / 2
