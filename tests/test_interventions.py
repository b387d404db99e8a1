"""Interventions: parts of layers by loops, shares by hand, and Generators with a known path."""

import math

import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.analysis.causes.interventions import (
    PARTS,
    judge,
    maps_needed,
    replace_maps,
    replace_part,
    replace_stretch,
    shares,
)
from wavegan_tf.analysis.causes.outputs import make_reference, measure_outputs, scaled_distances
from wavegan_tf.analysis.effects import holm
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.errors import InputError
from wavegan_tf.latents import apply_settings, sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.probing import intervening
from wavegan_tf.probing.cells import (
    Cell,
    choose_layers,
    make_cells,
    parse_by,
    parse_maps,
    parse_windows,
)

QUICK = StatisticsSettings(n_resamples=200)
RATE_HZ = 16000


@pytest.fixture
def layers():
    """Two activations after ReLU, [2, 5, 3]; one silent at one time."""
    rng = np.random.default_rng(0)
    own, donor = np.maximum(rng.normal(0.2, 1, [2, 2, 5, 3]), 0).astype(np.float32)
    own[0, 1] = 0
    return own, donor


@pytest.mark.parametrize("part", PARTS)
def test_parts_follow_their_formula_sample_by_sample(layers, part):
    own, donor = layers
    replaced = replace_part(own, donor, part)
    for b, t, m in np.ndindex(own.shape):
        here, there = own[b, t].sum() / 3, donor[b, t].sum() / 3
        expected = {
            "average": max(0, own[b, t, m] + there - here),
            "gain": own[b, t, m] * there / here if here else 0,
            "rest": max(0, donor[b, t, m] + here - there),
        }[part]
        assert replaced[b, t, m] == pytest.approx(expected, abs=1e-6)


def test_scaled_maps_reach_the_average_of_the_other_but_where_all_is_silent(layers):
    own, donor = layers
    reached, active = replace_part(own, donor, "gain").mean(axis=2), own.any(axis=2)
    assert 1 <= np.sum(~active) <= 3 and (reached[~active] == 0).all()
    np.testing.assert_allclose(reached[active], donor.mean(axis=2)[active], rtol=1e-5)


def test_moved_maps_never_fall_short_of_the_average_of_the_other(layers):
    own, donor = layers
    gap = replace_part(own, donor, "average").mean(axis=2) - donor.mean(axis=2)
    assert gap.min() > -1e-6 and gap.max() > 0.01
    raised = donor + own.max()
    reached = replace_part(own, raised, "average").mean(axis=2)
    np.testing.assert_allclose(reached, raised.mean(axis=2), rtol=1e-5)  # nothing was clipped


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_same_output_changes_nothing(layers, part):
    np.testing.assert_allclose(replace_part(layers[0], layers[0], part), layers[0], atol=1e-6)


def test_chosen_maps_are_the_others_and_no_further(layers):
    own, donor = layers
    before = own.copy()
    replaced = replace_maps(own, donor, [2, 0])
    assert (replaced[..., [0, 2]] == donor[..., [0, 2]]).all()
    assert (replaced[..., 1] == own[..., 1]).all() and (own == before).all()
    assert (replace_maps(own, donor, []) == own).all()


def test_a_stretch_holds_the_samples_whose_middles_lie_in_it(layers):
    own, donor = layers  # at 10 Hz samples stand at 0.05, 0.15, .. 0.45 s
    replaced = replace_stretch(own, donor, 10, 0.15, 0.35)
    assert (replaced[:, 1:3] == donor[:, 1:3]).all()
    assert (replaced[:, [0, 3, 4]] == own[:, [0, 3, 4]]).all()


def tones(*levels_and_hz, n=16000):
    time_s = np.arange(n) / RATE_HZ
    return sum(a * np.sin(2 * np.pi * hz * time_s) for a, hz in levels_and_hz)[None, :, None]


def test_levels_of_tones_are_those_of_their_amplitudes():
    sound = tones((0.5, 300), (0.1, 3000)) + 0.2  # the offset is no level
    found = measure_outputs(sound, make_reference(sound, sound, RATE_HZ, 1500))
    assert found["rms"][0] == pytest.approx(10 * math.log10(0.5**2 / 2 + 0.1**2 / 2), abs=1e-6)
    assert found["high"][0] == pytest.approx(10 * math.log10(0.1**2 / 2), abs=1e-6)
    silence = np.zeros_like(sound)
    found = measure_outputs(silence, make_reference(sound, silence, RATE_HZ, 1500))
    assert found["rms"] == found["high"] == -100
    assert found["waveform"][0] == pytest.approx(np.mean(sound**2))


def test_the_spectrum_feels_the_level_but_not_the_sign_nor_what_is_60_db_down():
    noise = np.random.default_rng(1).standard_normal([1, 8000, 1]) / 10
    reference = make_reference(noise, noise, RATE_HZ, 1500)
    found = measure_outputs(-noise, reference)
    assert found["spectrum"] == 0 and found["waveform"][0] == pytest.approx(4 * np.mean(noise**2))
    halved = measure_outputs(noise / 2, reference)["spectrum"][0]
    assert halved == pytest.approx((20 * math.log10(2)) ** 2, rel=0.01)
    tone = tones((0.5, 1000))
    hum = tone + 1e-6 * noise[:, :1]
    found = measure_outputs(hum, make_reference(tone, tone, RATE_HZ, 1500))
    assert found["spectrum"] < 1e-3


def test_shares_are_ratios_of_means_with_an_interval_that_resamples_bases():
    rng = np.random.default_rng(2)
    start, effect = rng.normal(5, 1, 40), rng.normal(2, 0.5, 40)
    patched = start + np.array([[0.25], [1.0], [0.0]]) * effect
    patched[0] += rng.normal(0, 0.3, 40)
    share, lower, upper = shares(start, start + effect, patched, settings=QUICK)
    assert share[0] == pytest.approx((patched[0] - start).sum() / effect.sum())
    np.testing.assert_allclose(share[1:], [1, 0], atol=1e-12)
    np.testing.assert_allclose([lower[1:], upper[1:]], [[1, 0], [1, 0]], atol=1e-12)
    draws = rng.integers(40, size=[4000, 40])
    ratios = (patched[0] - start)[draws].mean(axis=1) / effect[draws].mean(axis=1)
    by_hand = np.quantile(ratios, [0.025, 0.975])
    np.testing.assert_allclose([lower[0], upper[0]], by_hand, atol=0.03)


def test_no_effect_has_no_share_and_few_bases_no_interval():
    ones = np.ones(6)
    assert np.isnan(shares(ones, ones, ones[None])).all()
    share, lower, upper = shares(ones[:3], 2 * ones[:3], 1.5 * ones[None, :3])
    assert share == 0.5 and np.isnan(lower) and np.isnan(upper)


def test_the_number_of_maps_is_that_from_which_on_the_share_stays():
    assert maps_needed(np.array([0.6, 0.4, 0.7, 0.79, 0.96, 1])) == {0.5: 3, 0.8: 5, 0.95: 5}
    assert maps_needed(np.array([1.0, 2.0])) == {0.5: 1, 0.8: 2, 0.95: 2}  # of what all do
    assert maps_needed(np.array([0.3, -0.1])) == {}


def sides(start, end, patched, control=math.nan, scaled=math.nan):
    return np.stack([np.broadcast_to(x, 20) for x in (start, end, patched, control, scaled)])


def test_verdicts_follow_the_effect_the_interval_and_what_a_gain_reaches():
    rng = np.random.default_rng(3)
    start, noise = rng.normal(size=[2, 20])
    values = {
        "rms": sides(start, start + 3, start + 2),
        "high": sides(start, start + 3, start + 0.5 * noise - 0.5 * noise.mean()),
        "intensity": sides(start, start + 3, start + 6),
        "f0": sides(start, start + 3, start - 2),
        "f1": sides(start, start + noise - noise.mean(), start + 2),
        "f2": sides(start, math.nan, start),
        "waveform": sides(4, 0, 1, scaled=2 + 0.1 * noise),
        "spectrum": sides(4, 0, 1, scaled=0.9),
        "shape": sides(4, 0, 1 + 0.1 * noise, scaled=1 - 0.1 * noise),
    }
    [found] = judge([values], True, settings=QUICK)
    rows = {row["measure"]: row for row in found}
    verdicts = {m: row["verdict"] for m, row in rows.items()}
    assert verdicts == {
        "rms": "carries", "high": "none shown", "intensity": "overshoots", "f0": "opposes",
        "f1": "no effect shown", "f2": "too few", "waveform": "carries",
        "spectrum": "not beyond control", "shape": "not beyond control",
    }  # fmt: skip
    assert rows["rms"]["share"] == pytest.approx(2 / 3) and math.isnan(rows["rms"]["scaled"])
    waveform = rows["waveform"]
    assert waveform["share"] == 0.75 and math.isnan(waveform["p"])
    assert waveform["scaled"] == pytest.approx(0.5 - 0.1 * noise.mean() / 4)
    assert waveform["beyond"] == pytest.approx(waveform["share"] - waveform["scaled"])
    assert 0 < waveform["beyond_lower"] < waveform["beyond"] < waveform["beyond_upper"]
    assert math.isnan(rows["f1"]["share"]) and rows["f2"]["n_bases"] == 0


def test_what_is_specific_is_paired_and_from_the_bases_that_have_a_control():
    rng = np.random.default_rng(5)
    start, effect = rng.normal(size=20), rng.uniform(1, 9, 20)
    patched, control = start + 0.7 * effect, start + 0.4 * effect
    control[:8] = math.nan
    [[row]] = judge([{"f0": sides(start, start + effect, patched, control)}], True, settings=QUICK)
    assert (row["share"], row["control"]) == (pytest.approx(0.7), pytest.approx(0.4))
    for name in ("specific", "specific_lower", "specific_upper"):  # paired: no spread at all
        assert row[name] == pytest.approx(0.3)
    control[:16] = math.nan
    [[row]] = judge([{"f0": sides(start, start + effect, patched, control)}], True, settings=QUICK)
    assert row["share"] == pytest.approx(0.7) and math.isnan(row["control"])


def test_effects_on_levels_too_small_to_hear_have_no_share():
    start = np.random.default_rng(6).normal(size=20)
    values = {m: sides(start, start + 0.05, start + 0.02) for m in ("rms", "f0")}
    [[rms, f0]] = judge([values], True, settings=QUICK)
    assert (rms["verdict"], f0["verdict"]) == ("no effect shown", "carries")


def test_bases_without_a_value_are_left_out_of_all_sides():
    given = np.full([5, 7], math.nan)
    given[:3] = [[1, 2, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7, 8], [1, 2, 4, 5, 6, 7, 8.0]]
    given[1, 0] = given[2, 1] = math.nan
    [[row]] = judge([{"rms": given}], True, settings=QUICK)
    assert (row["n_bases"], row["from_mean"], row["effect"], row["change"]) == (5, 5, 1, 1)


def test_without_another_end_changes_are_judged_over_the_run_and_distances_are_not():
    rng = np.random.default_rng(4)
    start, noise = rng.normal(size=[2, 20])
    noise = (noise - noise.mean()) / noise.std()
    nothing, t = math.nan, 2.5 / math.sqrt(20)  # of one test p is about 0.02
    values = {
        "rms": sides(start, nothing, start - 6 + 0.1 * start),
        "high": sides(start, nothing, start + 0.05 + 0.01 * noise),
        "f0": sides(start, nothing, start + t + noise),
        "waveform": sides(0, 0.2, 0.1),
    }
    alone = judge([values], False, settings=QUICK)[0]
    of_six = judge(6 * [values], False, settings=QUICK)
    p_holm = holm(np.array([row["p"] for rows in of_six for row in rows]))
    np.testing.assert_array_equal([row["p_holm"] for rows in of_six for row in rows], p_holm)
    verdicts = [[row["verdict"] for row in rows] for rows in (alone, of_six[0])]
    assert verdicts[0] == ["changes", "no change shown", "changes", ""]
    assert verdicts[1] == ["changes", "no change shown", "no change shown", ""]
    assert alone[1]["p_holm"] < 1e-6  # surely not 0, but below 0.1 dB
    rms, waveform = alone[0], alone[3]
    assert math.isnan(rms["share"]) and math.isnan(waveform["to_mean"])
    assert waveform["share"] == pytest.approx(0.5)


def noises(n, seed=7):
    return np.random.default_rng(seed).standard_normal([n, 4000, 1])


def test_no_gain_leads_nearer_than_the_distances_at_any_gain():
    own, other = noises(3), 0.2 * noises(3) + 0.1 * noises(3, 8)
    reference = make_reference(other, own, RATE_HZ, 1500)
    found = scaled_distances(own, reference)
    tried = [measure_outputs(10 ** (g / 20) * own, reference) for g in np.arange(-60, 61, 0.25)]
    for measure, tolerance in (("waveform", 1e-3), ("shape", 1e-12), ("spectrum", 0.02)):
        least = np.min([x[measure] for x in tried], axis=0)
        np.testing.assert_allclose(found[measure], least, rtol=tolerance)
        assert (found[measure] <= least * (1 + tolerance)).all()
    silent = measure_outputs(0 * own, reference)["spectrum"]
    assert (found["spectrum"] < silent).all()
    np.testing.assert_array_equal(found["shape"], measure_outputs(own, reference)["shape"])


def test_gains_within_a_stretch_leave_the_rest_alone():
    own, other = noises(2), noises(2, 8)
    inside = np.arange(4000) // 1000 == 1
    other[:, inside] = 0.5 * own[:, inside]
    reference = make_reference(other, own, RATE_HZ, 1500)
    found = scaled_distances(own, reference, inside)
    best = np.where(inside[:, None], 0.5, 1) * own
    wanted = measure_outputs(best, reference)
    np.testing.assert_allclose(found["waveform"], wanted["waveform"])
    assert (found["shape"] <= wanted["shape"]).all()
    gains = 10 ** (np.arange(-60, 61) / 20)
    tried = [measure_outputs(np.where(inside[:, None], g, 1) * own, reference) for g in gains]
    least = np.min([x["spectrum"] for x in tried], axis=0)
    np.testing.assert_allclose(found["spectrum"], least)


def test_the_shape_knows_no_gain_and_is_1_of_what_has_nothing_in_common():
    own, other = noises(2), noises(2, 8)
    reference = make_reference(other, own, RATE_HZ, 1500)
    shape = measure_outputs(own, reference)["shape"]
    r = [
        np.dot(x, y) / math.sqrt(x @ x * (y @ y))
        for x, y in zip(own[..., 0], other[..., 0], strict=True)
    ]
    np.testing.assert_allclose(shape, 1 - np.maximum(r, 0) ** 2)
    np.testing.assert_allclose(measure_outputs(0.01 * own, reference)["shape"], shape)
    for sound, expected in ((other, 0), (3 * other, 0), (-other, 1), (0 * own, 1)):
        found = measure_outputs(sound, reference)["shape"]
        np.testing.assert_allclose(found, expected, atol=1e-12)
    silence = make_reference(0 * own, own, RATE_HZ, 1500)
    np.testing.assert_array_equal(measure_outputs(own, silence)["shape"], 1)
    np.testing.assert_array_equal(measure_outputs(0 * own, silence)["shape"], 0)


@pytest.fixture(scope="module")
def planted_parts():
    """A layer of 3 maps, each read as a sound of its own; the other output has a burst in map 3.

    All of the other's is 0.3 times as strong, so that its average says nothing but that.
    """
    rng = np.random.default_rng(9)
    sounds = rng.standard_normal([3, 4000])
    own = np.abs(rng.normal(1, 0.2, [8, 40, 3]))
    own[:, :, 2] = 0
    donor = 0.3 * own
    donor[:, 10:16, 2] = 4.0

    def run_on(activation):
        gains = np.repeat(activation, 100, axis=1)  # [bases, time, maps]
        return 0.1 * np.einsum("btm,mt->bt", gains, sounds)[:, :, np.newaxis]

    reference = make_reference(run_on(donor), run_on(own), RATE_HZ, 1500)
    scaled = scaled_distances(run_on(own), reference)

    def judged(patched):
        levels = [measure_outputs(run_on(x), reference) for x in (own, donor, patched)]
        cell = {
            m: np.stack([*(x[m] for x in levels), np.full(8, math.nan), scaled[m]])
            for m in ("waveform", "shape", "spectrum")
        }
        return {row["measure"]: row for row in judge([cell], True, settings=QUICK)[0]}

    return own, donor, judged


def test_a_part_that_only_scales_does_not_carry_the_waveform(planted_parts):
    own, donor, judged = planted_parts
    flat = np.where(donor == 4.0, 0, donor)  # the other without its burst
    rows = judged(replace_part(own, flat, "gain"))
    assert rows["waveform"]["share"] > 0.2 and rows["waveform"]["lower"] > 0
    assert rows["waveform"]["verdict"] == rows["spectrum"]["verdict"] == "not beyond control"
    assert abs(rows["shape"]["share"]) < 1e-6 and rows["shape"]["verdict"] != "carries"


def test_the_map_that_carries_the_burst_does(planted_parts):
    own, donor, judged = planted_parts
    rows = judged(replace_maps(own, donor, [2]))
    assert rows["waveform"]["verdict"] == rows["shape"]["verdict"] == "carries"
    assert judged(replace_maps(own, donor, [0]))["shape"]["verdict"] != "carries"


@pytest.fixture(scope="module")
def tiny():
    """A Generator of 8, 4, 2 and 1 maps, for tests that leave its weights alone."""
    config = ModelConfig(dim=1)
    return build_networks(config, generator_only=True), config


def experiment_of(networks, config, n=3, by="other", settings=None):
    latents = sample_latents(config, n, seed=5)
    end = apply_settings(latents, settings or {"z11": 5}, config)
    layers = choose_layers("all", config)
    end = end if by == "other" else None
    return intervening.Experiment(networks.generator, config, layers, latents, by, end)


@pytest.mark.parametrize("model", ["ciwgan", "wavegan_65536_postfilter"])
def test_a_whole_layer_gives_the_other_output_and_nothing_replaced_the_same(reference, model):
    given = {"model": "ciwgan"} if model == "ciwgan" else {}
    opened = open_checkpoint(str(reference / "checkpoints" / model), given)
    experiment = experiment_of(opened.networks, opened.config)
    batch = next(experiment.batches())
    gap = np.abs(batch.own["out"] - batch.donor["out"])[:3].max()
    found = intervening.check(experiment, batch)
    inner = [name for name in batch.own if name != "out"]
    assert ("pre_filter" in inner) == ("postfilter" in model) and "z_project" in inner
    assert set(found) == {(name, patch) for name in inner for patch in ("none", "whole")}
    assert all(found[name, "whole"] <= 1e-5 for name in inner) and gap > 1e-3
    assert all(found[name, "none"] == 0 for name in inner)


def test_a_check_that_fails_ends_the_run(tiny):
    experiment = experiment_of(*tiny)
    batch = next(experiment.batches())
    batch.donor["conv3"][1] += 1
    with pytest.raises(RuntimeError, match="conv3, whole replaced: differs by"):
        intervening.check(experiment, batch)


def test_outputs_that_are_not_finite_are_refused():
    config = ModelConfig(dim=1)
    networks = build_networks(config, generator_only=True)
    networks.generator.upconv_4.conv.bias.assign([math.nan])
    experiment = experiment_of(networks, config)
    with pytest.raises(InputError, match="--from: the Generator puts out NaN or infinity"):
        intervening.outputs(experiment, next(experiment.batches()), [])


def test_silencing_every_map_of_the_last_layer_leaves_the_bias():
    config = ModelConfig(dim=2)
    networks = build_networks(config, generator_only=True)
    networks.generator.upconv_4.conv.bias.assign([0.3])
    experiment = experiment_of(networks, config, by=0.0)
    cell = Cell("conv4", "maps", (1, 2))
    made = intervening.outputs(experiment, next(experiment.batches()), [cell])
    np.testing.assert_allclose(made[cell.name], np.tanh(0.3), rtol=1e-6)
    assert np.ptp(made["from"]) > 1e-3


def test_the_mean_over_outputs_is_over_all_of_them_and_no_padding(tiny):
    networks, _ = tiny
    experiment = experiment_of(*tiny, n=20, by="mean")
    whole = networks.generator(experiment.start)["conv2"].numpy().mean(axis=0)
    first, second = experiment.batches()
    assert (first.count, second.count) == (16, 4)
    for batch in (first, second):
        np.testing.assert_allclose(batch.donor["conv2"][3], whole, atol=1e-6)


def test_an_output_does_not_depend_on_how_many_there_are(tiny):
    cell = Cell("conv2", "gain")
    few, many = (
        intervening.outputs(e, next(e.batches()), [cell])[cell.name][:3]
        for e in (experiment_of(*tiny, n) for n in (3, 20))
    )
    np.testing.assert_array_equal(few, many)


def test_the_control_is_the_other_output_of_the_next_base(tiny):
    networks, _ = tiny
    cell = Cell("conv3", "maps", (1, 2))  # all of them
    experiment = experiment_of(*tiny, n=18)
    made = [intervening.outputs(experiment, batch, [cell]) for batch in experiment.batches()]
    ends = networks.generator(np.roll(experiment.end, -1, axis=0))["out"].numpy()
    found = np.concatenate([made[0][cell.control_name], made[1][cell.control_name][:2]])
    np.testing.assert_allclose(found, ends, atol=1e-5)
    own = np.concatenate([made[0][cell.name], made[1][cell.name][:2]])
    assert np.abs(found - own).max(axis=(1, 2)).min() > 1e-4
    alone = experiment_of(*tiny, n=1)
    assert set(intervening.outputs(alone, next(alone.batches()), [cell])) == {
        "from", "to", cell.name,
    }  # fmt: skip


def test_the_scan_finds_the_one_map_that_carries_an_effect():
    config = ModelConfig(dim=4)
    networks = build_networks(config, generator_only=True)
    kernel = networks.generator.upconv_3.conv.kernel  # [taps, out, in]
    assert kernel.shape[1:] == (4, 8)
    kernel.assign(kernel * tf.one_hot([5], 8))  # of conv3 nothing but map 6 is read
    experiment = experiment_of(networks, config, n=5, settings={"z11": 15})
    layer = experiment.layers[2]
    found = intervening.scan(experiment, layer, "waveform", 1500, lambda items, total: items)
    single = shares(found["from"], found["to"], found["single"])[0]
    np.testing.assert_allclose(single, np.arange(8) == 5, atol=1e-6)
    assert found["order"][0] == 6 and sorted(found["order"]) == list(range(1, 9))
    cumulative = shares(found["from"], found["to"], found["cumulative"])[0]
    np.testing.assert_allclose(cumulative, 1, atol=1e-6)
    assert maps_needed(cumulative) == {0.5: 1, 0.8: 1, 0.95: 1}
    assert found["from"].min() > 0 and (found["to"] == 0).all()


@pytest.mark.parametrize(("measure", "n"), [("waveform", 18), ("rms", 2)])
def test_the_sum_over_all_maps_is_the_whole_layer(tiny, measure, n):
    experiment = experiment_of(*tiny, n)
    layer = experiment.layers[2]  # of 2 maps
    found = intervening.scan(experiment, layer, measure, 1500, lambda items, total: items)
    np.testing.assert_allclose(found["cumulative"][-1], found["to"], atol=1e-6)
    assert not np.allclose(found["from"], found["to"], atol=1e-6)
    share = shares(found["from"], found["to"], found["single"])[0]
    assert list(found["order"]) == list(np.argsort(-share, kind="stable") + 1)


def test_cells_come_layer_by_layer_with_names_that_tell_them_apart():
    config = ModelConfig(dim=4)
    chosen = choose_layers("conv3,conv2", config)
    cells = make_cells(["rest", "gain"], ["conv3:2,7", "conv1:1"], ["0.1,0.3"], chosen, config)
    assert [cell.name for cell in cells] == [
        "conv1 maps 1",
        "conv2 gain", "conv2 rest", "conv2 window 0.1-0.3",
        "conv3 gain", "conv3 rest", "conv3 window 0.1-0.3", "conv3 maps 2,7",
    ]  # fmt: skip


def test_windows_by_steps_cover_the_stretch():
    config = ModelConfig()
    chosen = choose_layers("all", config)
    assert parse_windows("0.2:0.5:0.1", chosen, config) == [(0.2, 0.3), (0.3, 0.4), (0.4, 0.5)]
    assert parse_windows("0.1,0.3", chosen, config) == [(0.1, 0.3)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda c: choose_layers("conv9", c),
            "no layer 'conv9' with feature maps; there are conv1",
        ),
        (lambda c: choose_layers("out", c), "no layer 'out'"),
        (lambda c: parse_maps("conv3:9", c), "no map 9; conv3 has 8: 1 .. 8"),
        (lambda c: parse_maps("conv3:0", c), "no map 0"),
        (lambda c: parse_maps("conv3:2,2", c), "each map once"),
        (lambda c: parse_maps("out:1", c), "no layer 'out'"),
        (lambda c: parse_maps("conv3", c), "expected LAYER:MAPS"),
        (lambda c: parse_by("nan"), "--by=nan: must be other, mean, or a finite factor"),
        (lambda c: parse_by("inf"), "finite factor"),
        (lambda c: parse_by("-1"), "0 or more"),
        (lambda c: parse_by("1"), "changes nothing"),
        (lambda c: parse_by("half"), "--by=half"),
        (lambda c: parse_windows("0.5,1.2", c.layers, c), "within the output, 0 .. 1.024"),
        (lambda c: parse_windows("0.3,0.1", c.layers, c), "begin before it ends"),
        (lambda c: parse_windows("0.1", c.layers, c), "expected START,END or START:END:STEP"),
        (lambda c: parse_windows("0:1:0.3", c.layers, c), "must lead from 0 to 1"),
        (lambda c: parse_windows("0:1:0.3", c.layers, c), "1000 at most; end at 0.9"),
        (lambda c: parse_windows("0:0.7:0.2", c.layers, c), "end at 0.6 or 0.8"),
        (lambda c: parse_windows("0:0.1:0.2", c.layers, c), "end at 0.2"),
        (lambda c: parse_windows("0:1:-0.1", c.layers, c), "give a step above 0"),
        (lambda c: parse_windows("0.01,0.02", c.layers, c), "conv1 has no sample in 0.01 .. 0.02"),
        (lambda c: make_cells(["half"], [], [], c.layers, c), "no part 'half'; choose of average"),
        (lambda c: make_cells([], [], [], c.layers, c), "nothing to do"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError) as error:
        call(ModelConfig(dim=4))
    assert words in str(error.value)
