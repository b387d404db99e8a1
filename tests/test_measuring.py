"""One output: intervals of the target, every layer measured on them, trouble named."""

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.analysis import textgrid
from wavegan_tf.analysis.annotation import AnnotationSettings, Interval
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.probing.measuring import (
    INTERVAL_COLUMNS,
    OUTPUT_COLUMNS,
    POINT_COLUMNS,
    Item,
    Job,
    Plan,
    measure,
    measure_all,
)

LAYERS = ModelConfig().layers[-2:]  # conv4 at 4000 Hz, out
TIME_S = (np.arange(16384) + 0.5) / 16000
VOICED = (TIME_S > 0.3) & (TIME_S < 0.7)


def plan(**changes):
    settings = {"acoustic": AcousticSettings(), "annotation": AnnotationSettings()}
    return Plan(LAYERS, "out", 16000, 16384, **(settings | changes))


def buzz(f0_hz, where=VOICED):
    return 0.15 * where * sum(np.sin(2 * np.pi * f0_hz * k * TIME_S) for k in range(1, 6))


def job(out, number=0, network=0, **about):
    time_s = (np.arange(4096) + 0.5) / 4000
    conv4 = np.abs(np.sin(2 * np.pi * 75 * time_s))  # period 1 / 150 s, throughout
    series = {"conv4": conv4.astype(np.float32), "out": np.asarray(out, np.float32)}
    return Job(Item(number, **about), network, series)


def measured(*args):
    """What :func:`measure` finds, rows as dicts."""
    result = measure(*args)
    points = [dict(zip(POINT_COLUMNS, row, strict=True)) for row in result.points]
    intervals = [dict(zip(INTERVAL_COLUMNS, row, strict=True)) for row in result.intervals]
    return result._replace(points=points, intervals=intervals)


def values(rows, **wanted):
    return [r["value"] for r in rows if all(r[name] == value for name, value in wanted.items())]


def test_layers_are_measured_on_the_voiced_intervals_of_the_output():
    result = measured(job(buzz(120)), plan())
    points = [row for row in result.points if row["label"] == "voiced"]
    for layer, f0_hz in (("out", 120), ("conv4", 150)):
        f0 = values(points, layer=layer, measure="f0")
        assert len(f0) == 10
        np.testing.assert_allclose(f0[1:-1], f0_hz, rtol=0.01)
    times_s = [row["time_s"] for row in points]
    assert 0.28 < min(times_s) < max(times_s) < 0.72
    (duration_s,) = values(result.intervals, layer="out", measure="duration", label="voiced")
    assert duration_s == pytest.approx(0.4, abs=0.03)
    (output,) = result.outputs
    assert (output["n_voiced"], output["measured"], output["problem"]) == (1, 1, "")


def test_stereo_is_measured_channel_by_channel():
    left, right = buzz(120), buzz(240, where=(TIME_S > 0.1) & (TIME_S < 0.9))
    both = measured(job(np.stack([left, right], axis=1)), plan())
    for channel, out, f0_hz in ((1, left, 120), (2, right, 240)):
        alone = measured(job(out), plan())
        for rows, expected in ((both.points, alone.points), (both.intervals, alone.intervals)):
            here = [row | {"channel": 1} for row in rows if row["channel"] == channel]
            np.testing.assert_equal(here, expected)  # NaN equals NaN
        f0 = values(both.points, channel=channel, layer="out", measure="f0")
        np.testing.assert_allclose(f0[1:9], f0_hz, rtol=0.01)


def test_an_f0_range_of_its_own_mends_octave_errors():
    # Every other period is weaker: within 60 .. 300 Hz Praat may hear 90 or 180 Hz.
    pulses = np.zeros(16384)
    pulses[(np.arange(4800, 11200, 16000 / 180)).astype(int)] = 1
    out = 0.5 * np.convolve(pulses, np.exp(-np.arange(60) / 10), "same")
    wide = measured(job(out), plan(acoustic=AcousticSettings(50, 700)))
    narrow = measured(job(out), plan(acoustic=AcousticSettings(50, 700), f0_two_pass=True))
    f0 = np.array(values(narrow.points, layer="out", measure="f0"))
    np.testing.assert_allclose(f0[np.isfinite(f0)], 180, rtol=0.02)
    # conv4 is measured in the range of the output: its 150 Hz lies within, its period is 1 / 150 s.
    conv4 = values(narrow.points, layer="conv4", measure="f0")
    np.testing.assert_allclose(conv4[1:9], 150, rtol=0.01)
    assert len(values(wide.points, measure="f0")) == len(values(narrow.points, measure="f0"))


def test_results_do_not_depend_on_the_number_of_processes():
    jobs = [job(buzz(100 + 20 * i), i) for i in range(5)]
    alone = list(measure_all(iter(jobs), plan(), 1))
    shared = list(measure_all(iter(jobs), plan(), 2))
    assert [r.outputs[0]["id"] for r in shared] == [0, 1, 2, 3, 4]
    assert alone == shared
    row = alone[0].points.splitlines()[0].split(",")
    assert len(row) == len(POINT_COLUMNS) and row[:3] == ["0", "1", "conv4"]
    (control,) = measure_all([jobs[0]._replace(network=3)], plan(), 1)
    assert control.points.splitlines()[0].split(",") == ["3", *row]
    assert tuple(alone[0].outputs[0]) == OUTPUT_COLUMNS


def test_trouble_is_named_and_the_rest_unharmed(tmp_path):
    bad = buzz(120).copy()
    bad[7:10] = np.nan
    jobs = [
        job(buzz(120), 0),
        job(bad, 1),
        job(np.full(16384, 0.25), 2),
        job(np.clip(20 * buzz(120), -1, 1), 3),
        job(buzz(120), 4, problem="b.wav: not a WAV"),
    ]
    results = list(measure_all(iter(jobs), plan(audio_dir=str(tmp_path)), 1))
    problems = [r.outputs[0]["problem"] for r in results]
    assert problems[:3] == ["", "3 of 16384 samples are NaN or infinite", "silent"]
    assert problems[3].endswith("% of the samples are clipped")
    assert problems[4] == "b.wav: not a WAV"
    assert [r.outputs[0]["measured"] for r in results] == [1, 0, 0, 1, 0]
    assert [bool(r.points) for r in results] == [True, False, False, True, False]
    written = sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".TextGrid")
    assert written == ["0000_out.TextGrid", "0003_out.TextGrid"]


def test_sounds_and_textgrid_of_the_model_are_written_and_of_a_control_not(tmp_path):
    here = plan(audio_dir=str(tmp_path))
    measured(job(buzz(120), 3), here)
    measured(job(buzz(120), 4, network=1), here)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["0003_conv4.wav", "0003_out.TextGrid", "0003_out.wav"]
    rate_hz, sound = wavfile.read(tmp_path / "0003_conv4.wav")
    assert (rate_hz, sound.shape, sound.dtype) == (16000, (16384,), np.float32)


def test_annotations_that_were_written_give_the_same_measurements(tmp_path):
    first = measured(job(buzz(120)), plan(audio_dir=str(tmp_path)))
    again = measured(job(buzz(120)), plan(annotations=str(tmp_path)))
    np.testing.assert_equal(again, first)


def test_a_hand_made_annotation_replaces_the_automatic_one(tmp_path):
    textgrid.write_annotation(
        tmp_path / "0000_out.TextGrid", [Interval("voiced", 0.4, 0.5)], 16384 / 16000
    )
    result = measured(job(buzz(120)), plan(annotations=str(tmp_path)))
    assert {(r["start_s"], r["end_s"]) for r in result.intervals} == {(0.4, 0.5)}
    # A control's output is another sound, which that annotation says nothing of.
    control = measured(job(buzz(120), network=1), plan(annotations=str(tmp_path)))
    assert (0.4, 0.5) not in {(r["start_s"], r["end_s"]) for r in control.intervals}


@pytest.mark.parametrize("whole_s", [0.8, 1.024, 2.0])
def test_a_recordings_annotation_is_cut_at_the_end_of_the_slice(tmp_path, whole_s):
    (tmp_path / "sub").mkdir()
    intervals = [Interval("V", 0.4, 0.5), Interval("V", 0.6, whole_s)]
    tier = textgrid.Tier("phones", intervals)
    textgrid.write(tmp_path / "sub" / "word.TextGrid", textgrid.TextGrid(0, whole_s, [tier]))
    here = plan(annotations=str(tmp_path), labels={"V": "voiced"})
    result = measured(job(buzz(120), name="sub/word.wav", duration_s=whole_s), here)
    found = sorted({(r["start_s"], r["end_s"]) for r in result.intervals})
    assert found == [(0.4, 0.5), (0.6, min(whole_s, 1.024))]


def test_an_unusable_textgrid_is_a_problem_of_its_output_alone(tmp_path):
    for i, (label, end_s) in enumerate([("voiced", 1.024), ("voiced", 0.9), ("aa", 1.024)]):
        tier = textgrid.Tier("hand", [Interval(label, 0.4, 0.5)])
        textgrid.write(tmp_path / f"000{i}_out.TextGrid", textgrid.TextGrid(0, end_s, [tier]))
    jobs = [job(buzz(120), i) for i in range(4)]
    results = list(measure_all(iter(jobs), plan(annotations=str(tmp_path)), 1))
    problems = [r.outputs[0]["problem"] for r in results]
    assert problems[0] == "" and results[0].points
    assert "0001_out.TextGrid" in problems[1] and "0.9" in problems[1]
    assert "but aa; say with --labels" in problems[2] and results[2].unknown == {"aa": 1}
    assert problems[3] == f"--annotations={tmp_path}: has no 0003_out.TextGrid"
    assert not any(r.points for r in results[1:])
