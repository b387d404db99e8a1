"""Clusters, changes and selectivity of feature maps, against planted maps and other ways."""

import math

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cosine
from scipy.stats import ttest_rel

from wavegan_tf.analysis.causes import feature_maps, map_clusters
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError

SETTINGS = StatisticsSettings(n_resamples=400)
LABELS = ("voiced", "frication", "silence")


def planted_profiles(rng, sizes=(7, 12), length=80, noise=0.05):
    """Groups of maps that fire early or late, in mixed order; profiles and groups."""
    courses = np.exp(-(((np.arange(length) - np.array([[20], [60]])) / 8) ** 2))
    groups = rng.permutation(np.repeat([0, 1], sizes))
    return courses[groups] + noise * rng.random((len(groups), length)), groups


def same_partition(a, b):
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


@pytest.mark.parametrize(("gamma", "scale"), [(1e-10, 30.0), (None, 1.0)])
def test_planted_groups_are_found_with_every_seed_and_in_both_halves(gamma, scale):
    rng = np.random.default_rng(0)
    profiles, groups = planted_profiles(rng)
    profiles = profiles * scale
    halves = np.stack([profiles, profiles + 0.01 * scale * rng.random(profiles.shape)])
    gamma = map_clusters.choose_gamma(profiles, gamma, "conv4")
    labels, agreement = map_clusters.cluster_seeds(profiles, 2, gamma, 3)
    assert all(same_partition(found, groups) for found in labels)
    np.testing.assert_array_equal(agreement, np.ones((3, 3)))
    row = map_clusters.describe_clusters(profiles, halves, labels, agreement, gamma)
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
    found = map_clusters.cluster(profiles, 2, 1e-10, seed=0)
    assert same_partition(found, expected) and 5 < np.count_nonzero(found == 1) < 35
    other = map_clusters.cluster(profiles, 2, 1e-8, seed=0)
    np.testing.assert_array_equal(found, other)  # the coefficient does not matter


def test_clusters_are_numbered_by_activation_and_dissent_shows_in_the_rand_index():
    profiles = np.array([[1.0, 1], [5, 5], [0, 0], [5, 4]])
    numbers = map_clusters.by_activation(np.array([7, 0, 3, 0]), profiles)
    np.testing.assert_array_equal(numbers, [2, 1, 3, 1])
    rng = np.random.default_rng(3)
    halves = rng.random((2, 30, 50))  # no groups at all, and other maps in either half
    labels, agreement = map_clusters.cluster_seeds(halves[0], 2, 1e-10, 2)
    row = map_clusters.describe_clusters(halves[0], halves, labels, agreement, 1e-10)
    assert row["ari_halves"] < 0.5 and row["silhouette"] < 0.2


def test_a_kernel_that_cannot_tell_maps_apart_is_refused_with_the_way_out():
    profiles, _ = planted_profiles(np.random.default_rng(0))
    with pytest.raises(InputError, match=r"--rbf_gamma=1e-10: .*conv4.*rounding.*=auto"):
        map_clusters.choose_gamma(profiles * 1e-4, 1e-10, "conv4")
    with pytest.raises(InputError, match=r"--rbf_gamma=1000: .*kernel of 0.*auto"):
        map_clusters.choose_gamma(profiles, 1000.0, "conv4")
    with pytest.raises(InputError, match="--layer=conv4: all its live maps have one profile"):
        map_clusters.choose_gamma(np.ones((5, 10)), None, "conv4")
    squares = [((a - b) ** 2).sum() for i, a in enumerate(profiles) for b in profiles[:i]]
    gamma = map_clusters.choose_gamma(profiles, None, "conv4")
    assert gamma == pytest.approx(1 / np.median(squares))
    assert map_clusters.parse_gamma("auto") is None and map_clusters.parse_gamma("2e-3") == 2e-3
    for text in ("0", "-1", "nan", "inf", "small"):
        with pytest.raises(InputError, match=f"--rbf_gamma={text}: .*auto"):
            map_clusters.parse_gamma(text)


def test_too_many_too_few_and_impossible_clusters_are_refused():
    for n in (1, 61, 80):
        with pytest.raises(InputError, match=f"--clusters={n}: conv4 has 61 live maps.*2 .. 60"):
            map_clusters.check_clusters(n, 61, "conv4", "live maps")
    with pytest.raises(InputError, match="--layer=conv4: has 2 maps, too few"):
        map_clusters.check_clusters(2, 2, "conv4")
    map_clusters.check_clusters(60, 61, "conv4")


def test_cosine_distances_are_scipys_and_say_what_silence_means():
    rng = np.random.default_rng(1)
    maps, reference = (np.maximum(rng.standard_normal((50, 4)), 0) for _ in range(2))
    expected = [cosine(maps[:, i], reference[:, i]) for i in range(4)]
    found = feature_maps.cosine_distances(maps, reference)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(feature_maps.cosine_distances(3 * maps, maps), 0, atol=1e-12)
    maps[:, :2] = 0
    reference[:, 1] = 0
    found = feature_maps.cosine_distances(maps, reference)
    assert found[0] == 1 and math.isnan(found[1])


def test_samples_are_inside_an_interval_by_their_middles():
    intervals = [("silence", 0.0, 0.02), ("voiced", 0.02, 0.05), ("voiced", 0.07, 0.09)]
    masks = feature_maps.label_masks(intervals, 10, 100.0)  # middles at 0.005, 0.015, ..
    assert masks.shape == (3, 10)
    np.testing.assert_array_equal(np.flatnonzero(masks[0]), [2, 3, 4, 7, 8])
    assert not masks[1].any()
    np.testing.assert_array_equal(np.flatnonzero(masks[2]), [0, 1])


def test_a_map_that_fires_only_in_a_window_has_the_index_1_there():
    masks = np.zeros((3, 40), bool)
    masks[0, 10:20], masks[2, 30:] = True, True
    maps = np.zeros((40, 4))
    maps[10:20, 0] = 2.0  # within
    maps[:, 1] = 1.0  # everywhere
    maps[:, 2] = np.where(masks[0], 3.0, 1.0)
    found = feature_maps.selectivity(maps, masks)
    np.testing.assert_allclose(found.index[0], [1, 0, 0.5, np.nan])
    np.testing.assert_allclose(found.index[2, :2], [-1, 0])
    np.testing.assert_allclose(found.inside[0], [2, 1, 3, 0])
    np.testing.assert_allclose(found.outside[0], [0, 1, 1, 0])
    for values in found:  # there is no frication
        assert np.isnan(values[1]).all()


def test_means_over_bases_leave_out_what_is_missing():
    rng = np.random.default_rng(5)
    values = rng.normal([0.0, 1.0, 0.5], 1.0, (30, 3))
    values[4:, 2] = np.nan
    values[:3, 1] = np.nan
    rows = feature_maps.over_bases(values, 0, SETTINGS)
    assert [row["n"] for row in rows] == [30, 27, 4]
    np.testing.assert_allclose([row["mean"] for row in rows], np.nanmean(values, axis=0))
    known = values[3:, 1]
    assert rows[1]["p"] == pytest.approx(ttest_rel(known, np.zeros(27)).pvalue)
    half = 2.05 * known.std(ddof=1) / math.sqrt(27)
    assert rows[1]["lower"] == pytest.approx(known.mean() - half, abs=0.15 * half)
    assert rows[1]["upper"] == pytest.approx(known.mean() + half, abs=0.15 * half)
    assert all(math.isnan(rows[2][name]) for name in ("lower", "upper", "p"))


def test_rows_of_maps_say_which_change_which_are_dead_and_the_order_of_distances():
    rng = np.random.default_rng(2)
    bases = 20
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
    args = ("conv4", 100.0, profiles, means, distances, clusters, 0, SETTINGS)
    rows = feature_maps.map_rows(*args)
    assert [row["verdict"] for row in rows] == ["changes", *["no change shown"] * 2, "dead"]
    assert [row["dead"] for row in rows] == [0, 0, 0, 1]
    assert [row["distance_rank"] for row in rows[:3]] == [3, 1, 2]
    assert math.isnan(rows[3]["distance"]) and math.isnan(rows[3]["distance_rank"])
    assert rows[0]["peak_time_s"] == pytest.approx(0.125) and rows[0]["peak"] == 5
    expected = ttest_rel(means[:, -1, 0], means[:, 0, 0])
    assert rows[0]["p"] == pytest.approx(expected.pvalue)
    assert rows[0]["p_holm"] == pytest.approx(3 * expected.pvalue)  # dead maps are no tests
    assert rows[0]["lower"] < rows[0]["change"] < rows[0]["upper"]
    table = feature_maps.distance_rows("conv4", (-1, 0, 1), distances, 0, SETTINGS)
    assert [(row["map"], row["value"]) for row in table[:3]] == [(1, 0.0), (1, 1.0), (2, 0.0)]
    assert table[3]["distance"] == pytest.approx(distances[:, 1, 1].mean())
    few = feature_maps.map_rows(*args[:3], means[:4], distances[:4], clusters, 0, SETTINGS)
    assert few[0]["verdict"] == "too few" and few[3]["verdict"] == "dead"


def made_firing(rng, bases=25, length=120, rate_hz=100.0):
    """Outputs of a voiced stretch at a random time; maps that follow it, shun it, or the clock."""
    inside, outside, index, shuffled = ([] for _ in range(4))
    before = None
    for _ in range(bases):
        start = rng.integers(10, 70)
        masks = feature_maps.label_masks(
            [("voiced", start / rate_hz, (start + 40) / rate_hz)], length, rate_hz
        )
        noise = 0.05 * rng.random((length, 5))
        maps = noise + np.stack(
            [
                masks[0],  # follows the stretch
                ~masks[0],  # shuns it
                np.exp(-(((np.arange(length) - 60) / 20) ** 2)),  # follows the clock
                np.ones(length),
                np.zeros(length),
            ],
            axis=1,
        )
        maps[:, 4] = 0
        own = feature_maps.selectivity(maps, masks)
        other = feature_maps.selectivity(maps, np.zeros_like(masks) if before is None else before)
        for values, x in zip((inside, outside, index), own, strict=True):
            values.append(x)
        shuffled.append(other.index)
        before = masks
    firing = feature_maps.Firing(*map(np.stack, (inside, outside, index)))
    return firing, np.stack(shuffled)


def test_selectivity_tells_what_follows_the_sound_from_what_follows_the_clock():
    firing, shuffled = made_firing(np.random.default_rng(0))
    n_outputs = np.isfinite(firing.index).sum(axis=0)
    live = np.array([True] * 4 + [False])
    rows = feature_maps.selectivity_rows("conv4", firing, shuffled, n_outputs, live, 0, SETTINGS)
    assert [(row["map"], row["label"]) for row in rows[:4]] == [
        (1, "voiced"), (1, "frication"), (1, "silence"), (2, "voiced"),
    ]  # fmt: skip
    voiced = rows[::3]
    verdicts = [row["verdict"] for row in voiced]
    assert verdicts == ["prefers", "avoids", "by time", "no preference shown", "dead"]
    assert {row["verdict"] for row in rows[1:12:3]} == {"too few"}
    assert voiced[0]["index"] == pytest.approx(np.mean(firing.index[:, 0, 0]))
    beyond = firing.index[1:, 0, 0] - shuffled[1:, 0, 0]
    assert voiced[0]["beyond"] == pytest.approx(beyond.mean())
    assert voiced[0]["n_bases"] == voiced[0]["n_outputs"] == 25
    assert voiced[2]["index"] > 0.1 and abs(voiced[2]["beyond"]) < 0.1
    assert voiced[4]["n_outputs"] == 0 and math.isnan(voiced[4]["index"])
