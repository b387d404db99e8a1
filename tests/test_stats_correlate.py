"""Correlations and linear models against SciPy's own, verdicts against rules and against chance."""

import math

import numpy as np
import pytest
from made_values import NO_INTERVALS, NO_POINTS, intervals_of, join, points_of
from scipy import stats

from wavegan_tf.stats.controls import NO_VALUES
from wavegan_tf.stats.correlate import (
    CORRELATION_COLUMNS,
    DURATION_COLUMNS,
    average_contours,
    correlate,
    describe_control,
    regress_durations,
    verdict,
)
from wavegan_tf.stats.resampling import StatisticsSettings

QUICK = StatisticsSettings(n_resamples=200, n_shuffles=100)


def network(rng, r, n_outputs=20, n_points=5, layer="conv4"):
    """A network whose layer correlates with its output at r, between outputs and within them."""
    out = rng.standard_normal((n_outputs, 1)) + rng.standard_normal((n_outputs, n_points))
    noise = rng.standard_normal((n_outputs, 1)) + rng.standard_normal((n_outputs, n_points))
    return join(points_of("out", out), points_of(layer, r * out + math.sqrt(1 - r * r) * noise))


def described(*networks, intervals=None):
    """The table of controls, of points or of intervals."""
    tables = [(NO_POINTS, x) if intervals else (x, NO_INTERVALS) for x in networks]
    found = [describe_control(k, *both, "out") for k, both in enumerate(tables, start=1)]
    return join(*found) if found else describe_control(1, NO_POINTS, NO_INTERVALS, "out")


def correlated(points, *controls, intervals=NO_INTERVALS, settings=QUICK, **wanted):
    """The rows wanted of the correlations of a model's points, beside its controls', as dicts."""
    table = correlate(points, intervals, described(*controls), "out", settings)
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table.to_dict("records")


def test_statistics_are_scipys_over_the_concatenated_values():
    out, conv4 = np.random.default_rng(0).standard_normal((2, 12, 4))
    out[3, 2] = conv4[5, 1] = conv4[0, :3] = math.nan  # output 0 keeps one pair
    points = join(points_of("conv4", conv4), points_of("out", out))
    plain, within, ranked = correlated(points)
    both = np.isfinite(out) & np.isfinite(conv4)
    x, y = conv4[both], out[both]
    assert plain["estimate"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert ranked["estimate"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    kept = [i for i in range(12) if both[i].sum() > 1]
    less = [
        np.concatenate([v[i][both[i]] - v[i][both[i]].mean() for i in kept]) for v in (conv4, out)
    ]
    assert within["estimate"] == pytest.approx(stats.pearsonr(*less).statistic, abs=1e-12)
    assert (plain["n"], plain["n_outputs"]) == (43, 12)
    assert (within["n"], within["n_outputs"]) == (42, 11)


def test_every_layer_but_the_target_has_its_rows_and_f0_is_compared_in_semitones_too():
    f0_hz = np.random.default_rng(1).uniform(80, 300, (3, 6, 4))
    layers = ("conv1", "conv2", "input")
    points = join(*(points_of(*each, "f0", "Hz") for each in zip(layers, f0_hz, strict=True)))
    table = correlate(points, NO_INTERVALS, described(), "input", QUICK)
    assert tuple(table.columns) == CORRELATION_COLUMNS
    assert list(zip(table["measure"], table["layer"], table["unit"], strict=True))[::3] == [
        ("f0", "conv1", "Hz"), ("f0", "conv2", "Hz"),
        ("f0_semitones", "conv1", "st re 100 Hz"), ("f0_semitones", "conv2", "st re 100 Hz"),
    ]  # fmt: skip
    assert table["statistic"][:3].tolist() == ["pearson", "within_output", "spearman"]
    semitones = 12 * np.log2(f0_hz.reshape(3, -1) / 100)
    expected = stats.pearsonr(semitones[0], semitones[2]).statistic
    assert table["estimate"][6] == pytest.approx(expected, abs=1e-12)
    assert table["verdict"].tolist() == [*["few networks", "", ""] * 2, *[""] * 6]  # F0 counts once


def test_what_only_intervals_have_is_compared_by_interval():
    tables = np.random.default_rng(3).standard_normal((2, 12, 3))
    durations = [intervals_of(*each) for each in zip(("conv4", "out"), tables, strict=True)]
    means = [intervals_of(x, tables[0][:, :1], "intensity", "dB") for x in ("conv4", "out")]
    points = join(*(points_of(*each) for each in zip(("conv4", "out"), tables, strict=True)))
    rows = correlated(points, intervals=join(*durations, *means), statistic="pearson")
    assert [row["measure"] for row in rows] == ["intensity", "duration"]
    for row in rows:  # not the means of intensity, which are all equal
        r = np.corrcoef(tables.reshape(2, -1))[0, 1]
        assert row["estimate"] == pytest.approx(r, abs=1e-12)
        assert (row["n"], row["n_outputs"]) == (36, 12)


def test_channels_and_labels_are_kept_apart():
    tables = np.random.default_rng(4).standard_normal((2, 2, 2, 12, 3))
    labels, layers = ("voiced", "silence"), ("conv4", "out")
    points = join(*(
        points_of(layers[s], tables[c, k, s], channel=c + 1, label=labels[k])
        for c in (0, 1) for k in (0, 1) for s in (0, 1)
    ))  # fmt: skip
    rows = correlated(points, statistic="pearson")
    for row, table in zip(rows, tables.reshape(4, 2, -1), strict=True):
        assert row["estimate"] == pytest.approx(np.corrcoef(table)[0, 1], abs=1e-12)


def test_the_same_rows_in_another_order_give_the_same_numbers_to_the_bit():
    rng = np.random.default_rng(5)
    layers = ("conv1", "conv4", "out")
    points = join(
        *(points_of(x, rng.uniform(80, 300, (9, 4)), m, "Hz") for x in layers for m in "ab")
    )
    durations = join(*(intervals_of(x, rng.uniform(0.1, 1, (9, 2))) for x in layers))
    mixed = [table.sample(frac=1, random_state=0) for table in (points, durations)]
    found = [correlate(*both, described(), "out", QUICK) for both in (mixed, (points, durations))]
    assert found[0].equals(found[1])
    fits = [regress_durations(table, described(), "out", QUICK) for table in (durations, mixed[1])]
    assert fits[0].equals(fits[1])


def test_flags_on_either_side_are_counted():
    rng = np.random.default_rng(6)
    flags = ["clipped"] + [""] * 23
    rows = points_of("out", rng.standard_normal((8, 3)), flag=flags)
    more = points_of("c", rng.standard_normal((8, 3)), flag=[*flags[:6], "clipped", *flags[7:]])
    one = [points_of(x, [[2.0]], output=99, flag="octave jump") for x in ("out", "c")]
    table = correlated(join(rows, more, *one))  # output 99 has one pair: none within it
    assert [row["n_flagged"] for row in table] == [3, 2, 3]


@pytest.mark.parametrize(("n_outputs", "n_points"), [(4, 9), (9, 1), (1, 40), (0, 0)])
def test_too_little_data_make_no_verdict(n_outputs, n_points):
    rng = np.random.default_rng(7)
    sides = [points_of(x, rng.standard_normal((n_outputs, n_points))) for x in ("out", "conv4")]
    sides += [points_of(x, [[math.nan]], interval=9) for x in ("out", "conv4")]
    rows = correlated(join(*sides))
    assert [row["verdict"] for row in rows] == ["too few", "", ""]
    assert all(math.isnan(row["low"]) for row in rows)
    assert rows[0]["n"] == n_outputs * n_points


def test_nothing_measured_makes_empty_tables():
    assert len(correlate(NO_POINTS, NO_INTERVALS, described(), "out", QUICK)) == 0
    assert len(regress_durations(NO_INTERVALS, described(), "out", QUICK)) == 0
    assert len(average_contours(NO_POINTS, QUICK)) == 0


def test_networks_that_were_hardly_measured_are_no_control():
    rng = np.random.default_rng(10)
    few = network(rng, 0.9, n_outputs=4)
    for controls in ([], [few] * 5, [network(rng, 0.1), network(rng, 0.2)]):
        row, *_ = correlated(network(rng, 0.95), *controls)
        assert row["verdict"] == "few networks" and math.isnan(row["random_high"])


def test_a_layer_far_above_its_controls_is_encoded_and_an_upside_down_one_inverse():
    rng = np.random.default_rng(11)
    controls = [network(rng, r) for r in (0.1, 0.3, 0.2, 0.15, 0.25)]
    for r, expected in ((0.9, "encoded"), (-0.9, "inverse"), (0.2, "as both controls")):
        row, *others = correlated(network(rng, r, 40), *controls)
        assert row["verdict"] == expected and {x["verdict"] for x in others} == {""}
        assert row["n_random"] == 5 and row["n_random_outputs"] == 20
        assert -0.1 < row["random"] < 0.5 and row["p"] == max(row["p_random"], row["p_shuffled"])


def test_a_course_that_all_outputs_share_is_as_shuffled():
    rng = np.random.default_rng(12)
    course = np.sin(np.linspace(0, np.pi, 8))
    own = 0.02 * rng.standard_normal((2, 20, 8))
    points = join(points_of("out", course + own[0]), points_of("conv4", course + own[1]))
    row, *_ = correlated(points, *(network(rng, 0.1, n_points=8) for _ in range(5)))
    assert row["estimate"] > 0.99 and row["verdict"] == "as shuffled"


@pytest.mark.parametrize(
    ("r", "random", "shuffled", "expected"),
    [
        (0.5, 0.01, 0.02, (0.02, "encoded")),
        (-0.5, 0.01, 0.02, (0.02, "inverse")),
        (0.5, 0.20, 0.01, (0.20, "as random")),
        (0.5, 0.01, 0.99, (0.99, "as shuffled")),
        (0.5, 0.30, 0.20, (0.30, "as both controls")),
        (0.5, 0.99, 0.01, (0.99, "as random")),
    ],
)
def test_both_controls_must_be_passed(r, random, shuffled, expected):
    controls = (NO_VALUES._replace(p=p) for p in (random, shuffled))
    assert verdict(r, *controls, QUICK) == expected


def test_p_is_corrected_over_the_rows_of_pearsons_r_alone():
    rng = np.random.default_rng(14)
    controls = [network(rng, r) for r in (0.1, 0.3, 0.2, 0.15, 0.25)]
    alone, *_ = correlated(network(rng, 0.8, 40), *controls)
    points = [network(rng, 0.8, 40)]
    points += [network(rng, 0.2, 40).assign(measure=f"m{k}") for k in range(9)]
    others = [join(x, *(x.assign(measure=f"m{k}") for k in range(9))) for x in controls]
    rows = correlated(join(*points), *others, statistic="pearson")
    p = [row["p"] for row in rows]
    assert min(row["p_holm"] for row in rows) == pytest.approx(min(1, 10 * min(p)))
    assert alone["p_holm"] == alone["p"]


def test_a_layer_too_slow_for_a_measure_has_no_row():
    rng = np.random.default_rng(15)
    points = join(network(rng, 0.5), points_of("conv1", rng.standard_normal((20, 5))))
    found = correlate(
        points, NO_INTERVALS, described(), "out", QUICK, {"conv1": {"intensity": "too slow"}}
    )
    assert set(found["layer"]) == {"conv4"}


def test_one_more_untrained_network_is_told_from_the_others_no_more_often_than_it_should():
    rng = np.random.default_rng(13)
    trials, found = 100, 0
    settings = StatisticsSettings(n_resamples=100, n_shuffles=100)
    for _ in range(trials):
        r = np.clip(rng.normal(0.5, 0.15, 9), -0.95, 0.95)
        row, *_ = correlated(*(network(rng, each, 30) for each in r), settings=settings)
        found += row["verdict"] in ("encoded", "inverse")
    assert found <= 10  # the 98.9 % quantile of a rate of 5 %


def durations(rng, noise_s, n_outputs=15, slope=0.9):
    out = rng.uniform(0.1, 0.4, (n_outputs, 2))
    layer = 0.02 + slope * out + noise_s * rng.standard_normal(out.shape)
    return join(intervals_of("out", out), intervals_of("conv4", layer)), out.ravel(), layer.ravel()


def test_the_duration_model_is_scipys_linear_regression():
    table, out, layer = durations(np.random.default_rng(0), 0.02)
    found = regress_durations(table, described(), "out", QUICK)
    assert tuple(found.columns) == DURATION_COLUMNS
    (row,) = found.to_dict("records")
    fit = stats.linregress(out, layer)
    assert row["beta"] == pytest.approx(fit.slope)
    assert row["intercept"] == pytest.approx(fit.intercept)
    assert row["adj_r2"] == pytest.approx(1 - (1 - fit.rvalue**2) * 29 / 28)
    assert (row["n"], row["n_outputs"]) == (30, 15)
    pairs = [
        np.delete(x.reshape(15, 2), k, axis=0).ravel() for k in range(15) for x in (out, layer)
    ]
    without = [stats.linregress(*two).slope for two in zip(pairs[::2], pairs[1::2], strict=True)]
    error = np.std(without) * math.sqrt(14)
    assert row["t"] == pytest.approx(fit.slope / error)
    assert row["p"] == pytest.approx(2 * stats.t.sf(fit.slope / error, 14))


def test_the_interval_of_the_slope_has_the_width_that_least_squares_gives():
    table, out, layer = durations(np.random.default_rng(1), 0.03, n_outputs=200)
    found = regress_durations(table, described(), "out", StatisticsSettings(n_resamples=5000))
    fit = stats.linregress(out, layer)
    reach = stats.t.ppf(0.975, 398) * fit.stderr
    ends = [[fit.slope - reach, fit.slope + reach]]
    np.testing.assert_allclose(found[["beta_low", "beta_high"]], ends, atol=0.15 * reach)


def test_random_networks_stand_beside_the_fit_unless_they_have_too_few_intervals():
    rng = np.random.default_rng(2)
    controls = [durations(rng, noise) for noise in (0.1, 0.2)]
    few = durations(rng, 0.01, n_outputs=4)
    same = durations(rng, 0, slope=0)  # a layer of one duration
    known = described(*(net for net, *_ in (*controls, few, same)), intervals=True)
    assert known["pearson"].isna().sum() == 1
    found = regress_durations(durations(rng, 0.02)[0], known, "out", QUICK)
    r2 = [stats.linregress(out, layer).rvalue ** 2 for _, out, layer in controls]
    expected = np.mean([1 - (1 - r) * 29 / 28 for r in r2])
    assert found["random_adj_r2"].tolist() == pytest.approx([expected])
    assert found["n_random"].tolist() == [2]


def test_layers_without_durations_and_constant_ones_have_no_fit_or_a_flat_one():
    table, *_ = durations(np.random.default_rng(3), 0.02)
    table = join(table, intervals_of("conv1", np.full((15, 2), math.nan)))
    row = regress_durations(table, described(), "out", QUICK).iloc[0]
    assert row["layer"] == "conv1" and row["n"] == row["n_outputs"] == 0
    assert row[["beta", "beta_low", "random_adj_r2"]].isna().all()
    x, same = np.arange(9.0)[:, None], np.full((9, 1), 0.3)
    sides = join(*(intervals_of(*each) for each in (("out", x), ("same", same), ("twice", 2 * x))))
    flat, exact = regress_durations(sides, described(), "out", QUICK).to_dict("records")
    assert (flat["beta"], flat["intercept"]) == (0, 0.3) and math.isnan(flat["adj_r2"])
    assert (exact["beta"], exact["t"], exact["adj_r2"]) == (2, math.inf, 1) and exact["p"] < 1e-12
    assert regress_durations(sides, described(), "same", QUICK)["beta"].isna().all()


def test_contours_are_means_over_outputs_with_students_interval():
    rng = np.random.default_rng(0)
    outputs = rng.normal(100, 10, (6, 3))
    two = [points_of("out", outputs[:1] + d, interval=k) for k, d in ((1, -4), (2, 4))]
    rest = points_of("out", outputs).query("output > 0")  # one interval each
    table = average_contours(join(*two, rest), QUICK)
    low, high = stats.t.interval(0.95, 5, outputs.mean(0), stats.sem(outputs))
    np.testing.assert_allclose(table[["estimate", "low", "high"]].T, [outputs.mean(0), low, high])
    assert table["n_outputs"].tolist() == [6, 6, 6]
    few = average_contours(points_of("out", outputs[:2]), QUICK)
    assert few["estimate"].isna().all() and few["n_outputs"].tolist() == [2, 2, 2]
