"""One output: intervals of the target, every layer measured on them, trouble named, tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

from wavegan_tf.models.config import Layer
from wavegan_tf.speech import textgrids
from wavegan_tf.speech.averages import to_sound
from wavegan_tf.speech.intervals import Interval, find_intervals
from wavegan_tf.speech.measure import measure
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_output, measure_outputs
from wavegan_tf.speech.settings import INTERVALS, IntervalSettings, PraatSettings

LAYERS = (Layer("conv4", 4096, 8, 4, 4, 4000.0), Layer("out", 16384, 4, 1, 4, 16000.0))
TIME_S = (np.arange(16384) + 0.5) / 16000
CONV4 = np.abs(np.sin(2 * np.pi * 75 * (np.arange(4096) + 0.5) / 4000)).astype(np.float32)


def plan(**changes):
    settings = {"praat": PraatSettings(), "intervals": IntervalSettings()}
    return Plan(LAYERS, "out", 16000, 16384, **(settings | changes))


def buzz(f0_hz, from_s=0.3, to_s=0.7):
    where = (TIME_S > from_s) & (TIME_S < to_s)
    return 0.15 * where * sum(np.sin(2 * np.pi * f0_hz * k * TIME_S) for k in range(1, 6))


def output(out, number=0, network=0, **about):
    return Output(number, network, {"conv4": CONV4, "out": np.float32(out)}, **about)


def tables(outputs, here=None, processes=1):
    here = here or plan()
    return gather(measure_outputs(iter(outputs), here, processes), here)[0]


def values(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table["value"].to_numpy()


def test_every_layer_is_measured_on_the_intervals_of_the_output():
    found = tables([output(buzz(120))])
    sounds = {"out": np.float32(buzz(120)), "conv4": to_sound(CONV4, 16384)}
    intervals = find_intervals(sounds["out"], 16000)
    own = {"out": None, "conv4": find_intervals(sounds["conv4"], 16000, INTERVALS, 4000)}
    for name, _, _, _, _, rate_hz in LAYERS:
        given = {"layer_rate_hz": rate_hz, "own_intervals": own[name]}
        expected = measure(sounds[name], 16000, intervals, **given)
        for table, is_point in (("points", True), ("intervals", False)):
            here = found[table][found[table]["layer"] == name]
            wanted = expected[(expected["point"] > 0) == is_point]
            for column in set(here) & set(wanted):
                assert here[column].tolist() == pytest.approx(wanted[column].tolist(), nan_ok=True)
    f0_hz = values(found["points"], layer="conv4", measure="f0")
    assert f0_hz[1:-1] == pytest.approx(150, rel=0.01)
    spans_s = found["intervals"][["start_s", "end_s"]].drop_duplicates().to_numpy().tolist()
    assert spans_s == [list(interval[1:]) for interval in intervals]


def test_tables_have_the_columns_and_types_that_the_package_agreed_on():
    found = tables([output(buzz(120))])
    place, rest = "output channel layer label interval", "measure unit value reason flag"
    assert list(found["points"]) == f"{place} point time_s {rest}".split()
    assert list(found["intervals"]) == f"{place} start_s end_s {rest}".split()
    assert list(found["points"]["layer"].cat.categories) == ["conv4", "out"]
    nothing = tables([output(np.zeros(16384))])
    assert all(list(nothing[name]) == list(found[name]) for name in found)


def test_a_row_of_points_takes_31_bytes():
    measured = measure_output(output(buzz(120)), plan())
    points = gather([measured] * 200, plan())[0]["points"]
    assert points.memory_usage(deep=True).sum() / len(points) < 31.5


def test_stereo_is_measured_channel_by_channel():
    left, right = buzz(120), buzz(240, 0.1, 0.9)
    both = tables([output(np.stack([left, right], axis=1))])
    for channel, out in ((1, left), (2, right)):
        alone = tables([output(out)])
        for name in ("points", "intervals"):
            here = both[name][both[name]["channel"] == channel].drop(columns="channel")
            expected = alone[name].drop(columns="channel").astype(str)
            pd.testing.assert_frame_equal(here.reset_index(drop=True).astype(str), expected)


def test_an_f0_range_of_its_own_mends_octave_errors():
    # Every other period is weaker: within 50 .. 700 Hz Praat may hear 90 or 180 Hz.
    pulses = np.zeros(16384)
    pulses[(np.arange(4800, 11200, 16000 / 180)).astype(int)] = 1
    out = 0.5 * np.convolve(pulses, np.exp(-np.arange(60) / 10), "same")
    here = plan(praat=PraatSettings(f0_floor_hz=50, f0_ceiling_hz=700), f0_two_pass=True)
    points = tables([output(out)], here)["points"]
    f0_hz = values(points, layer="out", measure="f0")
    np.testing.assert_allclose(f0_hz[np.isfinite(f0_hz)], 180, rtol=0.02)


def test_results_do_not_depend_on_the_number_of_processes():
    outputs = [output(buzz(100 + 20 * i), i, network=i % 2) for i in range(5)]
    alone, shared = tables(outputs), tables(outputs, processes=2)
    for name in alone:
        pd.testing.assert_frame_equal(alone[name], shared[name])
    assert alone["outputs"]["output"].tolist() == [0, 1, 2, 3, 4]
    assert [x.network for x in measure_outputs(outputs, plan(), 2)] == [0, 1, 0, 1, 0]


def test_trouble_is_named_and_the_rest_unharmed(tmp_path):
    outputs = [
        output(buzz(120), 0),
        output(np.where(np.arange(16384) < 3, np.nan, buzz(120)), 1),
        output(np.full(16384, 0.25), 2),
        output(np.clip(20 * buzz(120), -1, 1), 3),
        output(buzz(120), 4, problem="b.wav: not a WAV"),
    ]
    found = tables(outputs, plan(audio_dir=str(tmp_path)))
    problems = found["outputs"]["problem"].tolist()
    assert problems[:3] == ["", "3 of 16384 samples are NaN or infinite", "silent"]
    assert problems[3].endswith("% of the samples are clipped")
    assert problems[4] == "b.wav: not a WAV"
    assert found["outputs"]["measured"].tolist() == [True, False, False, True, False]
    assert found["points"]["output"].unique().tolist() == [0, 3]
    written = sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".TextGrid")
    assert written == ["0000_out.TextGrid", "0003_out.TextGrid"]


def test_sounds_and_textgrid_of_the_model_are_written_measured_alike_and_of_a_control_not(tmp_path):
    outputs = [output(buzz(120), 3), output(buzz(120), 4, network=1)]
    first = tables(outputs, plan(audio_dir=str(tmp_path)))
    again = tables(outputs, plan(annotations=str(tmp_path)))
    assert again["outputs"].pop("annotated").tolist() == [True, False]
    for name in first:
        pd.testing.assert_frame_equal(again[name], first[name])
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["0003_conv4.wav", "0003_out.TextGrid", "0003_out.wav"]
    rate_hz, sound = wavfile.read(tmp_path / "0003_conv4.wav")
    assert (rate_hz, sound.dtype) == (16000, np.float32)
    np.testing.assert_array_equal(sound, to_sound(CONV4, 16384))


@pytest.mark.parametrize("network", [0, 1])
def test_a_hand_made_textgrid_replaces_the_intervals_of_the_model_alone(tmp_path, network):
    path = tmp_path / "0000_out.TextGrid"
    textgrids.save_intervals(path, [Interval("voiced", 0.4, 0.5)], 16384 / 16000)
    found = tables([output(buzz(120), network=network)], plan(annotations=str(tmp_path)))
    assert (found["intervals"]["start_s"].unique().tolist() == [0.4]) == (not network)


def test_a_recordings_textgrid_is_cut_at_the_end_of_the_slice(tmp_path):
    whole_s = 2.0
    intervals = [Interval("V", 0.4, 0.5), Interval("V", 0.6, whole_s)]
    grid = textgrids.TextGrid(0, whole_s, [textgrids.Tier("phones", intervals)])
    textgrids.write_textgrid(tmp_path / "word.TextGrid", grid)
    here = plan(annotations=str(tmp_path), labels={"V": "voiced"})
    found = tables([output(buzz(120), name="word.wav", duration_s=whole_s)], here)["intervals"]
    assert found["end_s"].unique().tolist() == [0.5, 1.024]


def test_an_unusable_textgrid_is_a_problem_of_its_output_alone(tmp_path):
    for i, (label, end_s) in enumerate([("voiced", 1.024), ("voiced", 0.9), ("aa", 1.024)]):
        tier = textgrids.Tier("hand", [Interval(label, 0.4, 0.5)])
        path = tmp_path / f"000{i}_out.TextGrid"
        textgrids.write_textgrid(path, textgrids.TextGrid(0, end_s, [tier]))
    here = plan(annotations=str(tmp_path))
    found = tables([output(buzz(120), i) for i in range(3)], here)
    problems = found["outputs"]["problem"].tolist()
    assert problems[0] == "" and set(found["points"]["output"]) == {0}
    assert "0001_out.TextGrid" in problems[1] and "0.9" in problems[1]
    assert "but aa; say what they mean, with --labels" in problems[2]
    assert measure_output(output(buzz(120), 2), here).unknown == {"aa": 1}


def test_outputs_without_a_textgrid_have_their_intervals_found(tmp_path):
    by_hand = [Interval("voiced", 0.4, 0.5)]
    textgrids.save_intervals(tmp_path / "0001_out.TextGrid", by_hand, 16384 / 16000)
    found = tables([output(buzz(120), i) for i in range(2)], plan(annotations=str(tmp_path)))
    assert found["outputs"]["annotated"].tolist() == [False, True]
    spans = found["intervals"].groupby("output")[["start_s", "end_s"]].first().to_numpy().tolist()
    first = find_intervals(np.float32(buzz(120)), 16000)[0]
    assert spans == [list(first[1:]), [0.4, 0.5]]
