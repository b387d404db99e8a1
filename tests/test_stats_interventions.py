"""Interventions: parts of layers by loops, distances of tones and noise, shares by hand."""

import math

import numpy as np
import pytest

from wavegan_tf.stats.effects import holm
from wavegan_tf.stats.interventions import (
    PARTS,
    Reference,
    judge,
    maps_needed,
    replace_part,
    shares,
)
from wavegan_tf.stats.resampling import StatisticsSettings

QUICK = StatisticsSettings(n_resamples=200)
RATE_HZ = 16000


@pytest.mark.parametrize("part", PARTS)
def test_parts_follow_their_formula_sample_by_sample(part):
    rng = np.random.default_rng(0)
    own, donor = np.maximum(rng.normal(0.2, 1, [2, 2, 5, 3]), 0).astype(np.float32)
    own[0, 1] = 0  # silent at one time
    replaced = replace_part(own, donor, part)
    for b, t, m in np.ndindex(own.shape):
        here, there = own[b, t].sum() / 3, donor[b, t].sum() / 3
        expected = {
            "average": max(0, own[b, t, m] + there - here),
            "gain": own[b, t, m] * there / here if here else 0,
            "rest": max(0, donor[b, t, m] + here - there),
        }[part]
        assert replaced[b, t, m] == pytest.approx(expected, abs=1e-6)


def tones(*levels_and_hz, n=16000):
    time_s = np.arange(n) / RATE_HZ
    return sum(a * np.sin(2 * np.pi * hz * time_s) for a, hz in levels_and_hz)[None, :, None]


def noises(n, seed=7):
    return np.random.default_rng(seed).standard_normal([n, 4000, 1])


def compared(sounds, others, at_other_end):
    return Reference(others, at_other_end, RATE_HZ, 1500).measure(sounds)


def test_levels_of_tones_are_those_of_their_amplitudes():
    sound = tones((0.5, 300), (0.1, 3000)) + 0.2  # the offset is no level
    found = compared(sound, sound, sound)
    assert found["rms"][0] == pytest.approx(10 * math.log10(0.5**2 / 2 + 0.1**2 / 2), abs=1e-6)
    assert found["high"][0] == pytest.approx(10 * math.log10(0.1**2 / 2), abs=1e-6)
    found = compared(0 * sound, sound, 0 * sound)
    assert found["rms"] == found["high"] == -100
    assert found["waveform"][0] == pytest.approx(np.mean(sound**2))


def test_the_spectrum_feels_the_level_but_not_the_sign_nor_what_is_60_db_down():
    noise = noises(1, 1) / 10
    found = compared(-noise, noise, noise)
    assert found["spectrum"] == 0 and found["waveform"][0] == pytest.approx(4 * np.mean(noise**2))
    halved = compared(noise / 2, noise, noise)["spectrum"][0]
    assert halved == pytest.approx((20 * math.log10(2)) ** 2, rel=0.01)
    tone = tones((0.5, 1000), n=4000)
    assert compared(tone + 1e-6 * noise, tone, tone)["spectrum"] < 1e-3


def test_the_shape_knows_no_gain_and_is_1_of_what_has_nothing_in_common():
    own, other = noises(2), noises(2, 8)
    pairs = zip(own[..., 0], other[..., 0], strict=True)
    r = np.array([np.dot(x, y) / math.sqrt(x @ x * (y @ y)) for x, y in pairs])
    shape = 1 - np.maximum(r, 0) ** 2
    given = [(own, shape), (0.01 * own, shape), (3 * other, 0), (-other, 1), (0 * own, 1)]
    for sound, expected in given:
        np.testing.assert_allclose(compared(sound, other, own)["shape"], expected, atol=1e-12)
    np.testing.assert_array_equal(compared(own, 0 * own, own)["shape"], 1)
    np.testing.assert_array_equal(compared(0 * own, 0 * own, own)["shape"], 0)


def test_no_gain_leads_nearer_than_the_distances_at_any_gain():
    own, other = noises(3), 0.2 * noises(3) + 0.1 * noises(3, 8)
    reference = Reference(other, own, RATE_HZ, 1500)
    found = reference.at_best_gain(own)
    tried = [reference.measure(10 ** (g / 20) * own) for g in np.arange(-60, 61, 0.25)]
    for measure, tolerance in (("waveform", 1e-3), ("shape", 1e-12), ("spectrum", 0.02)):
        least = np.min([x[measure] for x in tried], axis=0)
        np.testing.assert_allclose(found[measure], least, rtol=tolerance)
        assert (found[measure] <= least * (1 + tolerance)).all()
    assert (found["spectrum"] < reference.measure(0 * own)["spectrum"]).all()


def test_shares_are_ratios_of_means_with_an_interval_that_resamples_bases():
    rng = np.random.default_rng(2)
    effect = rng.normal(2, 0.5, 40)
    change = np.array([[0.25], [1.0], [0.0]]) * effect
    change[0] += rng.normal(0, 0.3, 40)
    share, low, high = shares(change, effect, QUICK)
    assert share[0] == pytest.approx(change[0].sum() / effect.sum())
    np.testing.assert_allclose(share[1:], [1, 0], atol=1e-12)
    np.testing.assert_allclose([low[1:], high[1:]], [[1, 0], [1, 0]], atol=1e-12)
    draws = rng.integers(40, size=[4000, 40])
    ratios = change[0][draws].mean(axis=1) / effect[draws].mean(axis=1)
    np.testing.assert_allclose([low[0], high[0]], np.quantile(ratios, [0.025, 0.975]), atol=0.03)
    assert np.isnan(shares(np.ones([1, 6]), np.zeros(6), QUICK)).all()  # no effect, no share
    share, low, high = shares(0.5 * np.ones([1, 3]), np.ones(3), QUICK)  # few bases
    assert share == 0.5 and np.isnan(low) and np.isnan(high)


def test_the_number_of_maps_is_that_from_which_on_the_share_stays():
    assert maps_needed(np.array([0.6, 0.4, 0.7, 0.79, 0.96, 1])) == {0.5: 3, 0.8: 5, 0.95: 5}
    assert maps_needed(np.array([1.0, 2.0])) == {0.5: 1, 0.8: 2, 0.95: 2}  # of what all do
    assert maps_needed(np.array([0.3, -0.1])) == {}


def sides(start, end, patched, control=math.nan, scaled=math.nan):
    return np.stack([np.broadcast_to(x, 20) for x in (start, end, patched, control, scaled)])


def judged(values, other=True):
    """Rows of one intervention, by measure."""
    return judge([values], other, QUICK).set_index("measure").to_dict("index")


def test_verdicts_follow_the_effect_the_interval_and_what_a_gain_reaches():
    rng = np.random.default_rng(3)
    start, noise = rng.normal(size=[2, 20])
    rows = judged({
        "rms": sides(start, start + 3, start + 2),
        "high": sides(start, start + 3, start + 0.5 * noise - 0.5 * noise.mean()),
        "intensity": sides(start, start + 3, start + 6),
        "f0": sides(start, start + 3, start - 2),
        "f1": sides(start, start + noise - noise.mean(), start + 2),
        "f2": sides(start, math.nan, start),
        "waveform": sides(4, 0, 1, scaled=2 + 0.1 * noise),
        "spectrum": sides(4, 0, 1, scaled=0.9),
        "shape": sides(4, 0, 1 + 0.1 * noise, scaled=1 - 0.1 * noise),
    })  # fmt: skip
    assert {m: row["verdict"] for m, row in rows.items()} == {
        "rms": "carries", "high": "none shown", "intensity": "overshoots", "f0": "opposes",
        "f1": "no effect shown", "f2": "too few", "waveform": "carries",
        "spectrum": "not beyond control", "shape": "not beyond control",
    }  # fmt: skip
    assert rows["rms"]["estimate"] == pytest.approx(2 / 3) and math.isnan(rows["rms"]["scaled"])
    waveform = rows["waveform"]
    assert waveform["estimate"] == 0.75 and math.isnan(waveform["p"])
    assert waveform["scaled"] == pytest.approx(0.5 - 0.1 * noise.mean() / 4)
    assert waveform["beyond"] == pytest.approx(waveform["estimate"] - waveform["scaled"])
    assert 0 < waveform["beyond_low"] < waveform["beyond"] < waveform["beyond_high"]
    assert math.isnan(rows["f1"]["estimate"]) and rows["f2"]["n"] == 0
    inaudible = sides(start, start + 0.05, start + 0.02)
    small = judged({"rms": inaudible, "f0": inaudible})
    assert [row["verdict"] for row in small.values()] == ["no effect shown", "carries"]


def test_of_many_idle_maps_seldom_one_carries_and_the_one_that_does_is_found():
    rng = np.random.default_rng(6)
    runs, found = 20, []
    for _ in range(runs):
        start = rng.normal(size=20)
        end = start + 3
        idle = [{"rms": sides(start, end, start + 0.2 * rng.normal(size=20))} for _ in range(64)]
        busy = {"rms": sides(start, end, start + 1 + 0.2 * rng.normal(size=20))}
        table = judge([busy, *idle], True, StatisticsSettings(n_resamples=100))
        assert table["verdict"][0] == "carries"
        np.testing.assert_allclose(table["p_share_holm"], holm(table["p_share"].to_numpy()))
        found.append(table["verdict"][1:].isin(["carries", "opposes"]).any())
    assert sum(found) <= 3  # by their intervals alone in four of five


def test_numbers_of_intervals_are_judged_by_their_signs():
    start = np.zeros(20)
    change = np.where(np.arange(20) < 17, 1.0, 0.0)
    rows = judged({"n_voiced": sides(start, start + 1, change)})
    assert rows["n_voiced"]["p"] == pytest.approx(0.5**19)
    assert rows["n_voiced"]["p_share"] == pytest.approx(0.5**16)
    few = np.stack([start, start + 1, change, math.nan * start, math.nan * start])[:, :14]
    rows = judged({"n_voiced": few, "f0": few})
    assert [row["verdict"] for row in rows.values()] == ["too few", "carries"]


def test_signs_and_mean_that_go_apart_show_no_share():
    start = np.zeros(20)
    change = np.where(np.arange(20) < 18, -1.0, 19.0)  # down in 18 bases, up on average
    row = judged({"n_voiced": sides(start, start + 1, change)})["n_voiced"]
    assert row["estimate"] == 1 and row["p_share"] == 1 and row["verdict"] == "none shown"
    row = judged({"n_voiced": sides(start, start + 1, start + 1, change)})["n_voiced"]
    assert row["verdict"] == "carries" and row["specific"] == 0 and row["p_specific"] == 1


def test_of_parts_that_do_no_more_than_controls_seldom_one_is_said_to():
    rng = np.random.default_rng(7)
    found, by_interval = [], []
    for _ in range(20):
        start = rng.normal(size=20)
        end = start + 3
        cells = [
            {"rms": sides(start, end, *(start + 1 + 0.2 * rng.normal(size=[2, 20])))}
            for _ in range(40)
        ]
        cells.append({"rms": sides(start, end, start + 2, start + 1 + 0.2 * rng.normal(size=20))})
        table = judge(cells, True, StatisticsSettings(n_resamples=100))
        np.testing.assert_allclose(table["p_specific_holm"], holm(table["p_specific"].to_numpy()))
        assert table["p_specific_holm"].iloc[-1] < 0.001
        found.append((table["p_specific_holm"][:-1] < 0.05).any())
        apart = (table["specific_low"] > 0) | (table["specific_high"] < 0)
        by_interval.append(apart[:-1].any())
    assert sum(found) <= 3 and sum(by_interval) > 12


def test_what_is_specific_is_paired_and_from_the_bases_that_have_a_control():
    rng = np.random.default_rng(5)
    start, effect = rng.normal(size=20), rng.uniform(1, 9, 20)
    patched, control = start + 0.7 * effect, start + 0.4 * effect
    control[:8] = math.nan
    row = judged({"f0": sides(start, start + effect, patched, control)})["f0"]
    assert (row["estimate"], row["control"]) == (pytest.approx(0.7), pytest.approx(0.4))
    for name in ("specific", "specific_low", "specific_high"):  # paired: no spread at all
        assert row[name] == pytest.approx(0.3)
    control[:16] = start[0] = math.nan
    row = judged({"f0": sides(start, start + effect, patched, control)})["f0"]
    assert row["estimate"] == pytest.approx(0.7) and math.isnan(row["control"])
    assert row["n"] == 19 and row["from_mean"] == pytest.approx(start[1:].mean())


def test_without_another_end_changes_are_judged_over_the_run_and_distances_are_not():
    rng = np.random.default_rng(4)
    start, noise = rng.normal(size=[2, 20])
    noise = (noise - noise.mean()) / noise.std()
    nothing, t = math.nan, 2.5 / math.sqrt(20)  # of one test p is about 0.02
    values = {
        "rms": sides(start, nothing, start - 6 + 0.1 * start),
        "high": sides(start, nothing, start + 0.05 + 0.01 * noise),  # surely not 0, but inaudible
        "f0": sides(start, nothing, start + t + noise),
        "waveform": sides(0, 0.2, 0.1),
    }
    alone, of_six = judged(values, False), judge(6 * [values], False, QUICK)
    np.testing.assert_array_equal(of_six["p_holm"], holm(of_six["p"].to_numpy()))
    verdicts = [row["verdict"] for row in alone.values()]
    assert verdicts == ["changes", "no change shown", "changes", ""]
    assert list(of_six["verdict"][:4]) == ["changes", "no change shown", "no change shown", ""]
    assert math.isnan(alone["rms"]["estimate"]) and math.isnan(alone["waveform"]["to_mean"])
    assert alone["waveform"]["estimate"] == pytest.approx(0.5)


def test_a_part_that_only_scales_does_not_carry_the_waveform_but_the_map_of_a_burst_does():
    """A layer of 3 maps, each read as a sound of its own; the other has a burst in map 3.

    All of the other's is 0.3 times as strong, so that its average says nothing but that.
    """
    rng = np.random.default_rng(9)
    noise = rng.standard_normal([3, 4000])
    own = np.abs(rng.normal(1, 0.2, [8, 40, 3]))
    own[:, :, 2] = 0
    flat = 0.3 * own
    donor = flat.copy()
    donor[:, 10:16, 2] = 4.0

    def run_on(activation):
        gains = np.repeat(activation, 100, axis=1)  # [bases, time, maps]
        return 0.1 * np.einsum("btm,mt->bt", gains, noise)[:, :, np.newaxis]

    reference = Reference(run_on(donor), run_on(own), RATE_HZ, 1500)
    scaled = reference.at_best_gain(run_on(own))

    def verdicts(patched):
        levels = [reference.measure(run_on(x)) for x in (own, donor, patched)]
        return judged({
            m: np.stack([*(x[m] for x in levels), np.full(8, math.nan), scaled[m]])
            for m in ("waveform", "shape", "spectrum")
        })  # fmt: skip

    rows = verdicts(replace_part(own, flat, "gain"))
    assert rows["waveform"]["estimate"] > 0.2 and rows["waveform"]["low"] > 0
    assert rows["waveform"]["verdict"] == rows["spectrum"]["verdict"] == "not beyond control"
    assert abs(rows["shape"]["estimate"]) < 1e-6 and rows["shape"]["verdict"] != "carries"
    rows = verdicts(np.where(np.arange(3) == 2, donor, own))
    assert rows["waveform"]["verdict"] == rows["shape"]["verdict"] == "carries"
    rows = verdicts(np.where(np.arange(3) == 0, donor, own))
    assert rows["shape"]["verdict"] != "carries"
