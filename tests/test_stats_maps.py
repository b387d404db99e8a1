"""Clusters, changes and selectivity of feature maps, against planted maps and other ways."""

import math

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cosine
from scipy.stats import ttest_rel

from wavegan_tf.errors import InputError
from wavegan_tf.stats import maps
from wavegan_tf.stats.resampling import StatisticsSettings

SETTINGS = StatisticsSettings(n_resamples=400)
LABELS = ("voiced", "frication", "silence")


def planted_profiles(rng, sizes=(7, 12), length=80, noise=0.05):
    """Groups of maps that fire early or late, in mixed order; profiles and groups."""
    courses = np.exp(-(((np.arange(length) - np.array([[20], [60]])) / 8) ** 2))
    groups = rng.permutation(np.repeat([0, 1], sizes))
    return courses[groups] + noise * rng.random((len(groups), length)), groups


def same_partition(a, b):
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


@pytest.mark.parametrize("gamma", [1e-10, None])
def test_planted_groups_are_found_with_every_seed_and_in_both_halves(gamma, monkeypatch):
    monkeypatch.setattr(maps, "NUM_SEEDS", 3)
    rng, scale = np.random.default_rng(0), 30 if gamma else 1
    profiles, groups = planted_profiles(rng)
    profiles = profiles * scale
    halves = np.stack([profiles, profiles + 0.01 * scale * rng.random(profiles.shape)])
    chosen = maps.choose_gamma(profiles, gamma, "conv4")
    if gamma is None:
        squares = [((a - b) ** 2).sum() for i, a in enumerate(profiles) for b in profiles[:i]]
        assert chosen == pytest.approx(1 / np.median(squares))
    found, seeds, firm = maps.cluster_seeds(profiles, halves, 2, chosen)
    assert same_partition(found, groups)
    assert list(seeds["ari_first"]) == [1, 1, 1] and set(seeds["maps_1"] + seeds["maps_2"]) == {19}
    [row] = firm.to_dict("records")
    assert (row["clusters"], row["live"], row["seeds"]) == (2, 19, 3)
    assert row["ari_seeds"] == row["ari_seeds_least"] == row["ari_halves"] == 1
    assert row["silhouette"] > 0.5


def test_the_papers_kernel_parts_maps_as_k_means_on_their_first_principal_component():
    rng = np.random.default_rng(4)
    profiles = rng.gamma(1.0, 1.0, (40, 200)) + 3 * rng.random((40, 1)) * rng.random(200)
    left, _, _ = np.linalg.svd(profiles - profiles.mean(axis=0), full_matrices=False)
    first = left[:, :1]
    start = np.array([[first.min()], [first.max()]])
    _, expected = kmeans2(first, start, iter=100, minit="matrix")
    found = maps.cluster(profiles, 2, 1e-10, seed=0)
    assert same_partition(found, expected) and 5 < np.count_nonzero(found == 1) < 35
    np.testing.assert_array_equal(found, maps.cluster(profiles, 2, 1e-8, seed=0))


def test_clusters_are_numbered_by_activation_and_dissent_shows_in_the_rand_index(monkeypatch):
    monkeypatch.setattr(maps, "NUM_SEEDS", 2)
    profiles = np.array([[1.0, 1], [5, 5], [0, 0], [5, 4]])
    np.testing.assert_array_equal(maps.cluster(profiles, 3, 1.0, seed=0), [2, 1, 3, 1])
    halves = np.random.default_rng(3).random((2, 30, 50))  # no groups, other maps in either half
    [row] = maps.cluster_seeds(halves[0], halves, 2, 1e-10)[2].to_dict("records")
    assert row["ari_halves"] < 0.5 and row["silhouette"] < 0.2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: maps.choose_gamma(x * 1e-4, 1e-10, "conv4"), "--rbf_gamma=1e-10: .*round.*auto"),
        (lambda x: maps.choose_gamma(x, 1e3, "conv4"), "--rbf_gamma=1000: .*0 for most.*auto"),
        (lambda x: maps.choose_gamma(0 * x, None, "conv4"), "--layer=conv4: .*one profile"),
        (lambda x: maps.parse_gamma("0"), "--rbf_gamma=0: .*above 0.*auto"),
        (lambda x: maps.parse_gamma("small"), "--rbf_gamma=small"),
        (lambda x: maps.check_clusters(1, 61, "conv4"), "--clusters=1: conv4 has 61.*2 .. 60"),
        (lambda x: maps.check_clusters(2, 2, "conv4"), "--layer=conv4: has 2 maps, too few"),
    ],
)
def test_clusters_that_cannot_be_are_refused_with_the_way_out(call, words):
    profiles, _ = planted_profiles(np.random.default_rng(0))
    with pytest.raises(InputError, match=words):
        call(profiles)


def test_cosine_distances_are_scipys_and_say_what_silence_means():
    rng = np.random.default_rng(1)
    own, reference = (np.maximum(rng.standard_normal((50, 4)), 0) for _ in range(2))
    expected = [cosine(own[:, i], reference[:, i]) for i in range(4)]
    np.testing.assert_allclose(maps.cosine_distances(own, reference), expected, atol=1e-12)
    np.testing.assert_allclose(maps.cosine_distances(3 * own, own), 0, atol=1e-12)
    own[:, :2] = 0
    reference[:, 1] = 0
    found = maps.cosine_distances(own, reference)
    assert found[0] == 1 and math.isnan(found[1])


def test_samples_are_inside_an_interval_by_their_middles():
    intervals = [("silence", 0.0, 0.02), ("voiced", 0.02, 0.05), ("voiced", 0.07, 0.09)]
    masks = maps.label_masks(intervals, LABELS, 10, 100.0)  # middles at 0.005, 0.015, ..
    assert masks.shape == (3, 10) and not masks[1].any()
    np.testing.assert_array_equal(np.flatnonzero(masks[0]), [2, 3, 4, 7, 8])
    np.testing.assert_array_equal(np.flatnonzero(masks[2]), [0, 1])


def test_a_map_that_fires_only_in_a_window_has_the_index_1_there():
    masks = np.zeros((3, 40), bool)
    masks[0, 10:20], masks[2, 30:] = True, True
    fired = np.zeros((40, 4))
    fired[10:20, 0] = 2.0  # within
    fired[:, 1] = 1.0  # everywhere
    fired[:, 2] = np.where(masks[0], 3.0, 1.0)
    inside, outside, index = found = maps.selectivity(fired, masks)
    np.testing.assert_allclose(index[0], [1, 0, 0.5, np.nan])
    np.testing.assert_allclose(index[2, :2], [-1, 0])
    np.testing.assert_allclose(inside[0], [2, 1, 3, 0])
    np.testing.assert_allclose(outside[0], [0, 1, 1, 0])
    assert np.isnan(found[:, 1]).all()  # there is no frication


def test_means_over_bases_leave_out_what_is_missing():
    rng = np.random.default_rng(5)
    values = rng.normal([0.0, 1.0, 0.5], 1.0, (30, 3))
    values[4:, 2] = np.nan
    values[:3, 1] = np.nan
    table = maps.over_bases(values, 0, SETTINGS)
    assert list(table["n"]) == [30, 27, 4]
    np.testing.assert_allclose(table["estimate"], np.nanmean(values, axis=0))
    known, row = values[3:, 1], table.iloc[1]
    assert row["p"] == pytest.approx(ttest_rel(known, np.zeros(27)).pvalue)
    half = 2.05 * known.std(ddof=1) / math.sqrt(27)
    ends = [known.mean() - half, known.mean() + half]
    assert list(row[["low", "high"]]) == pytest.approx(ends, abs=0.15 * half)
    assert table.loc[2, ["low", "high", "p"]].isna().all()


def test_the_table_of_maps_says_which_change_which_are_dead_and_the_order_of_distances():
    rng, bases = np.random.default_rng(2), 20
    profiles = np.zeros((4, 30))
    profiles[:3] = rng.random((3, 30))
    profiles[0, 12] = 5.0
    means = np.repeat(rng.random((bases, 1, 4)), 3, axis=1)
    means[:, -1, 0] += 0.5 + 0.1 * rng.random(bases)
    means[:, -1, 1:3] += 0.1 * rng.standard_normal((bases, 2))
    means[:, :, 3] = 0
    distances = np.full((bases, 2, 4), np.nan)
    distances[:, :, :3] = [0.3, 0.1, 0.2] + 0.01 * rng.random((bases, 2, 3))
    clusters = np.array([1, 2, 2, 0])
    table = maps.map_table(100.0, profiles, means, distances, clusters, 0, SETTINGS)
    assert list(table["verdict"]) == ["changes", *["no change shown"] * 2, "dead"]
    assert list(table["dead"]) == [False, False, False, True]
    assert list(table["distance_rank"][:3]) == [3, 1, 2]
    assert table.loc[3, ["distance", "distance_rank", "peak_time_s", "p"]].isna().all()
    first, expected = table.iloc[0], ttest_rel(means[:, -1, 0], means[:, 0, 0])
    assert first["peak_time_s"] == pytest.approx(0.125) and first["peak"] == 5
    assert first["p"] == pytest.approx(expected.pvalue)
    assert first["p_holm"] == pytest.approx(3 * expected.pvalue)  # dead maps are no tests
    assert first["low"] < first["estimate"] < first["high"]
    steps = maps.distance_table((0, 1), distances, 0, SETTINGS)
    assert list(steps["map"][:3]) == [1, 1, 2] and list(steps["value"][:3]) == [0, 1, 0]
    assert steps["estimate"][3] == pytest.approx(distances[:, 1, 1].mean())
    few = maps.map_table(100.0, profiles, means[:4], distances[:4], clusters, 0, SETTINGS)
    assert few["verdict"][0] == "too few" and few["verdict"][3] == "dead"


def made_firing(rng, bases=25, length=120, rate_hz=100.0):
    """Outputs of a voiced stretch at a random time; maps that follow it, shun it, or the clock."""
    found, before = [], np.zeros((3, length), bool)
    for start in rng.integers(10, 70, bases):
        voiced = ("voiced", start / rate_hz, (start + 40) / rate_hz)
        masks = maps.label_masks([voiced], LABELS, length, rate_hz)
        clock = np.exp(-(((np.arange(length) - 60) / 20) ** 2))
        fired = np.stack([masks[0], ~masks[0], clock, np.ones(length), np.zeros(length)], axis=1)
        fired[:, :4] += 0.05 * rng.random((length, 4))
        found.append([*maps.selectivity(fired, masks), maps.selectivity(fired, before)[2]])
        before = masks
    return np.stack(found, axis=1)


def test_selectivity_tells_what_follows_the_sound_from_what_follows_the_clock():
    firing = made_firing(np.random.default_rng(0))
    index, shuffled = firing[2:, :, 0, 0]
    counts, live = np.isfinite(firing[2]).sum(axis=0), np.array([True] * 4 + [False])
    table = maps.selectivity_table(LABELS, firing, counts, live, 0, SETTINGS)
    assert list(table["label"][:3]) == list(LABELS) and list(table["map"][:4]) == [1, 1, 1, 2]
    voiced = table[table["label"] == "voiced"].reset_index()
    verdicts = ["prefers", "avoids", "by time", "no preference shown", "dead"]
    assert list(voiced["verdict"]) == verdicts
    frication = table[table["label"].eq("frication") & table["map"].lt(5)]
    assert set(frication["verdict"]) == {"too few"}
    assert voiced["estimate"][0] == pytest.approx(np.mean(index))
    assert voiced["beyond"][0] == pytest.approx((index - shuffled)[1:].mean())
    assert voiced["n"][0] == voiced["n_outputs"][0] == 25
    assert voiced["estimate"][2] > 0.1 and abs(voiced["beyond"][2]) < 0.1
    assert voiced["n_outputs"][4] == 0 and math.isnan(voiced["estimate"][4])
