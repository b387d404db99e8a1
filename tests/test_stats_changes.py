"""Levels, bands, distances and where a layer changes, against NumPy by other ways."""

import math

import numpy as np
import pytest
from scipy import signal

from wavegan_tf.stats import changes
from wavegan_tf.stats.resampling import StatisticsSettings

RATE_HZ = 16000
NAN = math.nan
SETTINGS = StatisticsSettings()


def test_levels_are_those_of_the_whole_series_the_rms_without_its_mean():
    x = 0.5 + 0.1 * np.sin(2 * np.pi * np.arange(1000) / 100)
    x[7] = -0.995
    found = changes.levels(x.astype(np.float32))
    power = changes.band_powers(x, RATE_HZ).sum()  # of every frequency but 0 Hz
    assert found["rms"] == pytest.approx(10 * np.log10(power), abs=1e-5)
    assert found["peak"] == pytest.approx(0.995)
    assert found["saturation"] == pytest.approx(1 / 1000)


def test_levels_that_cannot_be_had_are_missing():
    silent = changes.levels(np.zeros(8, np.float32))
    assert math.isnan(silent["rms"]) and silent["peak"] == 0 and silent["saturation"] == 0
    assert math.isnan(changes.levels(np.full(1000, 0.1, np.float32))["rms"])
    assert all(map(math.isnan, changes.levels(np.array([0, np.inf], np.float32)).values()))


@pytest.mark.parametrize(("length", "rate_hz"), [(16384, 16000), (64, 62.5), (256, 250), (32, 32)])
def test_bands_are_thirds_of_an_octave_at_least_two_bins_wide_up_to_the_nyquist(length, rate_hz):
    edges = changes.band_edges(length, rate_hz)
    assert edges[0] == 0 and edges[-1] == rate_hz / 2
    assert np.all(np.diff(edges)[1:] >= 2 * rate_hz / length)
    np.testing.assert_allclose(edges[2:-1] / edges[1:-2], 2 ** (1 / 3))
    centres = 1000 * 2 ** (np.arange(-60, 61) / 3)
    inner = np.sqrt(edges[1:-2] * edges[2:-1])
    assert np.all(np.abs(np.log(inner[:, None] / centres)).min(axis=1) < 1e-9)
    assert len(edges) > 4


@pytest.mark.parametrize(("length", "rate_hz"), [(4096, 4000), (64, 62.5), (255, 250)])
def test_powers_in_bands_are_those_of_scipys_periodogram(length, rate_hz):
    x = 0.3 + np.random.default_rng(1).standard_normal(length)
    hz, power = signal.periodogram(x, rate_hz, detrend="constant", scaling="spectrum")
    edges = changes.band_edges(length, rate_hz)
    expected = [power[(hz > a) & (hz <= b)].sum() for a, b in zip(edges, edges[1:], strict=False)]
    np.testing.assert_allclose(changes.band_powers(x, rate_hz), expected, rtol=1e-9)
    assert sum(expected) == pytest.approx(np.var(x))


def test_features_are_levels_in_sixteen_frames_and_in_bands():
    x, powers = np.repeat(np.arange(16) / 10, 1024), np.array([0.01, 0])
    expected = 10 * np.log10([*(np.arange(16) / 10) ** 2 + 1e-10, 0.01, 1e-10])
    np.testing.assert_allclose(changes.features(x, powers), expected)


def test_a_typical_output_has_the_distance_one_and_a_level_far_off_its_deviations():
    known = np.random.default_rng(2).normal(-30, 5, [200, 40])
    reference = changes.describe_reference(known)
    assert np.median(reference["distance"]) == pytest.approx(1)
    mean, sd = known.mean(axis=0), known.std(axis=0, ddof=1)
    typical = np.median(np.sqrt(np.mean(((known - mean) / sd) ** 2, axis=1)))
    assert changes.distance(mean + 10 * sd, reference) == pytest.approx(10 / typical)


def test_what_never_varies_counts_as_varying_by_a_decibel():
    known = np.random.default_rng(3).normal(-30, 5, [50, 2])
    known[:, 1] = -100
    reference = changes.describe_reference(known)
    assert reference["sd"][1] == changes.MIN_SD_DB
    row = np.array([known[:, 0].mean(), -80])
    expected = math.sqrt(20**2 / 2) / reference["typical"][0]
    assert changes.distance(row, reference) == pytest.approx(expected)


def changes_of(grid, lengths):
    """Adds up a grid [bases, *lengths, length, channels], output by output."""
    total = changes.ChangeSum(lengths)
    for series in grid.reshape(-1, *grid.shape[-2:]):
        total.add(series)
    return total


@pytest.mark.parametrize("lengths", [[5], [2, 3], [3, 1, 4]])
def test_changes_add_up_along_every_sweep_over_bases_that_are_finite(lengths):
    grid = np.random.default_rng(4).standard_normal([3, *lengths, 20, 2])
    grid[1].flat[7] = np.nan
    found, good = changes_of(grid, lengths), grid[[0, 2]]
    assert found.n == 2
    for axis, change in enumerate(found.result()):
        steps = np.abs(np.diff(good, axis=1 + axis)).sum(axis=1 + axis)
        np.testing.assert_allclose(change, steps.reshape(-1, 20, 2).mean(axis=(0, 2)))
    assert changes_of(np.full([1, 2, 4, 1], np.nan), [2]).n == 0


def test_planted_spikes_are_found_with_their_shares():
    times_s = (np.arange(4096) + 0.5) / 4000
    planted = [(0.2, 0.3, 0.75), (0.6, 0.7, 0.25)]
    change = sum(x * ((times_s > a) & (times_s < b)) for a, b, x in planted)
    spikes = changes.find_spikes(change, 4000)
    assert spikes["rank"].tolist() == [1, 2]
    np.testing.assert_allclose(spikes[["start_s", "end_s", "share"]], planted, atol=0.01)
    assert ((spikes["start_s"] <= spikes["time_s"]) & (spikes["time_s"] <= spikes["end_s"])).all()


def test_regions_of_spikes_do_not_overlap_and_hold_their_peaks():
    rng = np.random.default_rng(6)
    for rate_hz, length in ((16000, 8000), (62.5, 64), (250, 256)):
        change = np.abs(signal.lfilter([1], [1, -0.95], rng.standard_normal(length)))
        spikes = changes.find_spikes(change, rate_hz)
        assert 2 <= len(spikes) <= changes.MAX_SPIKES
        covered = np.zeros(length)
        for _, spike in spikes.iterrows():
            assert spike["start_s"] < spike["time_s"] < spike["end_s"]
            first, stop = (round(spike[x] * rate_hz) for x in ("start_s", "end_s"))
            covered[first:stop] += 1
            assert spike["share"] == pytest.approx(change[first:stop].sum() / change.sum())
            assert spike["excess"] == pytest.approx(change[first:stop].mean() / change.mean())
        assert covered.max() == 1


def test_ripple_and_what_changes_less_than_the_rest_are_no_spikes():
    times_s = (np.arange(4096) + 0.5) / 4000
    ripple = 0.05 * np.cos(2 * np.pi * 20 * times_s)
    burst = np.exp(-(((times_s - 0.5) / 0.05) ** 2))
    ((_, spike),) = changes.find_spikes(1 + burst + ripple, 4000).iterrows()
    assert spike["start_s"] < 0.5 < spike["end_s"]
    level = np.where(times_s < 0.5, 3.0, 0)  # a plateau, and a hill far below it
    hill = np.exp(-(((times_s - 0.8) / 0.05) ** 2))
    ((_, plateau),) = changes.find_spikes(level + hill, 4000).iterrows()
    assert plateau["rank"] == 1 and plateau["end_s"] == pytest.approx(0.5, abs=0.01)


def test_a_change_at_the_very_edge_of_a_slow_layer_is_a_spike_and_none_is_none():
    change = np.zeros(64)
    change[0], change[63] = 2, 1
    spikes = changes.find_spikes(change, 62.5)
    np.testing.assert_allclose(spikes[["start_s", "end_s"]], [(0, 0.016), (1.008, 1.024)])
    assert len(changes.find_spikes(np.zeros(64), 62.5)) == 0


def test_band_changes_are_means_over_bases_of_means_over_lines():
    rng = np.random.default_rng(7)
    first, last = rng.random([2, 8, 3, 4])  # [bases, lines, bands]
    last[2, 1] = NAN
    table = changes.band_changes(first, last, np.array([0.0, 10, 20, 30, 40]), SETTINGS)
    change = 10 * np.log10((last + 1e-10) / (first + 1e-10))
    np.testing.assert_allclose(table["estimate"], np.nanmean(change, axis=1).mean(axis=0))
    assert ((table["low"] < table["estimate"]) & (table["estimate"] < table["high"])).all()
    ends = table[["low_hz", "high_hz", "n"]].to_numpy().tolist()
    assert ends == [[10 * k, 10 * k + 10, 8] for k in range(4)]
    power = np.abs(np.nanmean(last - first, axis=1).mean(axis=0))
    np.testing.assert_allclose(table["share"], power / power.sum())


def test_bands_without_change_or_with_few_bases_claim_nothing():
    power = np.full([2, 1, 3], 0.1)
    table = changes.band_changes(power, power, np.arange(4.0), SETTINGS)
    assert (table["estimate"] == 0).all() and (table["n"] == 2).all()
    assert table[["share", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("length, frames", [(64, 64), (1000, 256), (16384, 256)])
def test_frames_cover_the_series_and_hold_its_mean_square(length, frames):
    series = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    parts = np.split(series.astype(float), [i * length // frames for i in range(1, frames)])
    expected = [np.mean(part**2) for part in parts]
    np.testing.assert_allclose(changes.frame_power(series), expected, rtol=1e-6)
