"""Voice onset time of made stops, groups of them, and outputs beside recordings."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import planted
import planted_vot
import pytest
import scipy
from scipy.io import wavfile

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import probe, vot
from wavegan_tf.experiments.names import KINDS
from wavegan_tf.experiments.properties import parse_property
from wavegan_tf.experiments.result import experiment as experiment_of
from wavegan_tf.experiments.result import load_run
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.options import options as options_of
from wavegan_tf.output.figures_compared import cumulative
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.measure import measure
from wavegan_tf.speech.outputs import Plan
from wavegan_tf.speech.settings import INTERVALS, PRAAT, STOPS, USUAL
from wavegan_tf.speech.stops import FROM_START, NO_BURST, find_stop
from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS, compare_sources, take_samples, welch
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.resampling import StatisticsSettings
from wavegan_tf.stats.stops import BOTH, PLAIN, WITH_S, first_stops

SETTINGS = StatisticsSettings(n_resamples=200)


def test_made_voice_onset_times_are_found_to_5_ms():
    for noise_db, rate_hz in ((None, 16000), (-40, 16000), (-40, 8000)):
        found = planted_vot.errors(12, 3, noise_db, rate_hz)
        assert np.isfinite(found).sum() >= 11
        assert np.nanmax(np.abs(found)) < 0.005


def test_closure_voice_through_it_and_two_bursts_are_found():
    rng = np.random.default_rng(5)
    sound, truth_s = planted_vot.voiced_stop(rng)
    assert planted_vot.stops_of(sound)["vot"] == pytest.approx(truth_s, abs=0.005)
    sound, lag_s, vot_s = planted_vot.double_burst(rng)
    stop = planted_vot.stops_of(sound)
    assert stop["vot"] == pytest.approx(vot_s, abs=0.005)
    assert (stop["n_bursts"], stop["burst_lag"]) == (2, pytest.approx(lag_s, abs=0.002))
    clips = planted_vot.tokens(6, 0)
    for clip in (x for x in clips if x.row["pattern"] == "#sTV"):
        stop = planted_vot.stops_of(clip.samples)
        assert stop["closure"] == pytest.approx(clip.row["closure_s"], abs=0.006)


def test_neither_level_nor_offset_matters_and_a_vowel_alone_has_no_stop():
    [clip] = planted_vot.tokens(1, 1, s_share=0)
    start_s = clip.tiers[0].intervals[-1].start_s
    span_s, f0_hz = (start_s + 0.01, len(clip.samples) / 16000), clip.row["f0_start_hz"]
    stop = find_stop(clip.samples, 16000, span_s, f0_hz)
    assert stop.vot == pytest.approx(clip.row["vot_s"], abs=0.005)
    assert np.isnan(stop.closure) and stop.reason == FROM_START
    assert find_stop(clip.samples / 1000 + 0.2, 16000, span_s, f0_hz).vot == stop.vot
    cut = np.where(np.arange(len(clip.samples)) / 16000 < start_s, 0, clip.samples)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(len(cut))
    assert find_stop(cut + noise, 16000, span_s, f0_hz).reason == NO_BURST


def test_a_sound_that_begins_at_the_release_has_a_stop_without_closure():
    off_s = []
    for clip in planted_vot.tokens(12, 4, s_share=0):
        vot_s, voice = clip.row["vot_s"], round(16000 * clip.tiers[0].intervals[-1].start_s)
        sound = clip.samples[voice - round(16000 * vot_s) :].copy()
        sound[: round(16000 * vot_s)] *= 3  # a burst as loud as that of [t] often is
        stop = planted_vot.stops_of(sound)
        off_s.append(stop["vot"] - vot_s)
        assert np.isnan(stop["closure"])
    assert np.isfinite(off_s).sum() >= 10
    assert np.nanmedian(np.abs(off_s)) < 0.003


def test_any_sound_and_interval_has_a_stop_or_a_reason():
    rng = np.random.default_rng(0)
    for k in range(400):
        n = (0, 1, 2, 50, 300, 2000)[k % 6]
        tone = np.sin(np.arange(n) * rng.uniform(0.02, 0.2))
        sound = (np.zeros(n), np.ones(n), rng.standard_normal(n), tone)[k // 6 % 4]
        span_s = np.sort(rng.uniform(-0.02, n / 8000 + 0.02, 2)) if k % 5 else (0.0, n / 8000)
        stop = find_stop(sound, 8000.0, tuple(span_s), rng.uniform(40, 800), rng.uniform(0, 0.2))
        assert np.isfinite(stop.vot) or stop.reason
    assert find_stop(sound, 8000.0, (0.0, 0.2), np.nan).reason
    with_a_wave_near_its_start = np.sin(2 * np.pi * np.arange(400) / 80) * np.arange(400)
    assert find_stop(with_a_wave_near_its_start, 8000.0, (0.0, 0.05), 100.0).reason


def test_stops_are_measured_by_name_alone_of_the_target_alone_at_a_rate_that_has_them():
    sound = np.random.default_rng(0).standard_normal(8000)
    intervals = [Interval("voiced", 0.1, 0.4)]
    assert not set(measure(sound, 16000.0, intervals)["measure"]) & set(STOPS)
    rows = measure(sound[:2000], 4000.0, intervals, measures=["vot"])
    assert rows["value"].isna().all() and "8000 Hz" in rows["reason"].iloc[0]
    layers = (Layer("out", 16384, 1, 1, 1, 16000.0),)
    plan = Plan(layers, "out", 16000, 16384, PRAAT, INTERVALS, measures=(*USUAL, *STOPS))
    assert plan.measures_of_layers is None  # the controls' file has the name that it always had
    assert parse_property("voiced.vot>0.03").measures == ("vot",)


def test_a_stop_has_s_before_it_where_frication_begins_well_before_the_closure():
    outputs = pd.DataFrame({"output": range(4), "channel": 1, "name": "", "measured": True})
    rows = []
    for output, closure_s in ((0, 0.05), (1, 0.05), (2, np.nan)):
        for name, value in zip(STOPS, (0.03, closure_s, 1, 0, 0.25), strict=True):
            rows.append((output, "voiced", 2, 0.28, 0.5, name, value))
        hiss_s = (0.1, 0.24, 0.1)[output]  # [s]; the release; noise before an unseen closure
        rows.append((output, "frication", 1, hiss_s, 0.27, "duration", 0.1))
    columns = ["output", "label", "interval", "start_s", "end_s", "measure", "value"]
    intervals = pd.DataFrame(rows, columns=columns).assign(channel=1, layer="out", reason="")
    found = first_stops(outputs, intervals)
    assert found["group"].tolist() == [WITH_S, PLAIN, PLAIN, ""]
    assert found["vot"].tolist()[:3] == [0.03] * 3 and found["reason"].iloc[3]


def test_a_known_difference_is_claimed_and_none_is_not():
    row = planted_vot.compared(0, 0.02, 24)
    assert row["verdict"] == DIFFERS and row["low"] < 0.02 < row["high"]
    assert planted_vot.compared(0, 0.0, 24)["verdict"] != DIFFERS
    for claims in (planted_vot.sources, planted_vot.distributions):
        rng = np.random.default_rng(1)
        assert claims(rng, 0.02) and not claims(rng, 0.0)


def test_a_summary_says_of_each_source_and_of_both_what_was_measured():
    table = pd.DataFrame({"source": ["outputs", "recordings", BOTH], "estimate": [-0.02, 0.001, 0]})
    table = table.assign(low=[-0.03, np.nan, -0.01], high=[-0.01, np.nan, 0.01], p_holm=0.01)
    table = table.assign(n=9, n_with_s=[8, 2, 2], verdict=[DIFFERS, "too few", "not shown"])
    both, alone = "9 #TV, 8 #sTV; 9 #TV, 2 #sTV", "9 #TV, 8 #sTV"
    assert vot.sentences(SimpleNamespace(table=lambda name: table)) == [
        "Outputs: voice onset time is 20.0 [10.0, 30.0] ms shorter in #TV than in #sTV "
        f"(n = {alone}; p 0.010).",
        "Recordings: too few stops to compare #TV and #sTV (n = 9 #TV, 2 #sTV).",
        f"Outputs less recordings: no difference of the two is shown: 0.0 [−10.0, 10.0] ms "
        f"(n = {both}; p 0.010).",
    ]


def test_sources_are_compared_as_scipy_does():
    rng = np.random.default_rng(0)
    a, b, still = rng.normal(0, 1, 30), rng.normal(1, 3, 40), np.ones(9)
    expected = scipy.stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch([a, b], [1, -1]) == pytest.approx(expected)
    assert welch([a, b, still, still], [1, -1, -1, 1]) == pytest.approx(expected)
    samples = []
    for source, values in ((OUTPUTS, a), (RECORDINGS, b)):
        outputs = pd.DataFrame({"output": np.arange(len(values)), "channel": 1, "measured": True})
        outputs = outputs.assign(n_voiced=2, n_frication=0, n_silence=1)
        twice = np.repeat(np.arange(len(values)), 2)
        about = {"channel": 1, "layer": "out", "label": "voiced", "measure": "f0", "unit": "Hz"}
        rows = pd.DataFrame(
            {"output": twice, "value": values[twice] + np.tile([-5, 5], len(values))}
        )
        samples.append(take_samples(outputs, rows.assign(**about), "out", source))
    table = compare_sources(pd.concat(samples), SETTINGS).set_index("measure")
    f0, ks = table.loc["f0"], scipy.stats.ks_2samp(a, b)
    assert (f0["ks"], f0["p"]) == pytest.approx((ks.statistic, ks.pvalue))
    assert f0["wasserstein"] == pytest.approx(scipy.stats.wasserstein_distance(a, b))
    assert f0["estimate"] == pytest.approx(a.mean() - b.mean())
    assert f0["low"] < f0["estimate"] < f0["high"] and (f0["n"], f0["n_recordings"]) == (30, 40)
    assert table.loc["n_voiced", "verdict"] != DIFFERS


def test_a_run_says_how_many_stops_there_are_and_is_loaded_again(tmp_path):
    (tmp_path / "made").mkdir()
    for i, clip in enumerate(planted_vot.tokens(8, 2)):
        wavfile.write(tmp_path / "made" / f"{i}.wav", 16000, clip.samples.astype(np.float32))
    options = vot.Options(n=10, compare_with=str(tmp_path / "made"), jobs=1, statistics=SETTINGS)
    result = vot.run(planted.model(), options)
    result.save(tmp_path / "out", figures=False, page=False)
    again = load_run(tmp_path / "out")
    groups = again.table("groups")
    assert groups.groupby("source")["n_outputs"].first().to_dict() == {OUTPUTS: 10, RECORDINGS: 8}
    assert groups.loc[groups["source"] == RECORDINGS, "n"].sum() >= 7
    assert all(": too few stops to compare" in each for each in vot.sentences(again))
    assert not any(line.startswith("#TV") for line in again.summary().splitlines())
    assert "| recordings |" in again.summary()
    assert again.figures == ["vot"] and "#sTV" in again.terminal()


def test_bad_input_names_its_flag(tmp_path):
    nothing = {"layers", "clip", "upsample", "formant_ceiling"}  # to stops: not offered
    assert not nothing & {each.name for each in options_of(vot.Options)}
    with pytest.raises(InputError, match="--compare_with"):
        probe.Options(compare_with=str(tmp_path), condition=("z1=0", "z1=1"))
    never_run = SimpleNamespace(config=ModelConfig())
    for experiment in (vot, probe):
        with pytest.raises(InputError, match=f"--compare_with={tmp_path}"):
            experiment.run(never_run, experiment.Options(compare_with=str(tmp_path)))
    of = {name for name in KINDS if hasattr(getattr(experiment_of(name), "Options", 0), "stops")}
    assert of == {"probe", "interpolate"}  # where the flag adds something


def test_a_group_without_stops_has_an_empty_line():
    x = cumulative("#sTV", np.zeros(0))
    assert len(x.x) == len(x.y) == 0
    x = cumulative("#TV", np.array([3.0, 1.0]))
    assert (x.x.tolist(), x.y.tolist()) == ([1, 1, 3, 3], [0, 0.5, 0.5, 1])
