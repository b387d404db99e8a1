"""Figures come from the files of a run, for any set of layers, and are the same every time."""

import struct

import numpy as np
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.report import figures
from wavegan_tf.report.figures import draw_interpolation_figure, draw_probe_figures, spectrogram
from wavegan_tf.report.tables import write_csv, write_json, write_npz

RATES_HZ = {"conv1": 62.5, "conv2": 250.0, "conv3": 1000.0, "conv4": 4000.0, "out": 16000.0}


def make_run(path, outputs=2, keep=tuple(RATES_HZ), channels=1, fill=None, vary=None):
    """Write the files of a run: noise under a hump, or the constant ``fill``."""
    rng = np.random.default_rng(0)
    layers, arrays = [], {"z": np.zeros((outputs, 4), np.float32)}
    for name, rate in RATES_HZ.items():
        length = round(rate * 1.024)
        layer = {"name": name, "length": length, "channels": 1}
        layers.append(layer | {"rate_hz": rate, "nyquist_hz": rate / 2})
        shape = (outputs, length, channels) if name == "out" and channels > 1 else (outputs, length)
        series = rng.standard_normal(shape).astype(np.float32)
        if name != "out":
            series = np.abs(series)
        if name in keep:
            arrays[name] = series if fill is None else np.full_like(series, fill)
    config = {"command": "probe", "sample_rate_hz": 16000, "slice_len": 16384, "layers": layers}
    write_json(path / "config.json", config | ({"vary": vary} if vary else {}))
    write_npz(path / "series.npz", arrays)
    return path


def names(paths):
    return [path.name for path in paths]


def size(path):
    """Width and height of a PNG, from its header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


def test_a_probe_gets_three_figures_for_each_of_the_first_outputs(tmp_path):
    paths = draw_probe_figures(make_run(tmp_path, outputs=3), max_outputs=2)
    assert names(paths) == [
        f"{kind}_{i:04d}.png" for i in (0, 1) for kind in ("layers", "overlay", "spectrograms")
    ]
    assert all(path.parent == tmp_path / "figures" and path.is_file() for path in paths)


def test_the_same_files_give_the_same_figures(tmp_path):
    make_run(tmp_path, outputs=1)
    first = [path.read_bytes() for path in draw_probe_figures(tmp_path)]
    assert [path.read_bytes() for path in draw_probe_figures(tmp_path)] == first


@pytest.mark.parametrize("fill", [0, 0.25, np.nan])
def test_silent_constant_and_undefined_series_can_be_drawn(tmp_path, fill):
    make_run(tmp_path, outputs=1, fill=fill, vary={"name": "z1", "values": [0.0]})
    assert len(draw_probe_figures(tmp_path)) == 3
    assert draw_interpolation_figure(tmp_path).is_file()


def test_layers_that_were_left_out_are_left_out_of_the_figures(tmp_path):
    assert len(draw_probe_figures(make_run(tmp_path, 1, keep=("conv4", "out")))) == 3
    assert names(draw_probe_figures(make_run(tmp_path, 1, keep=("out",)))) == ["layers_0000.png"]
    paths = draw_probe_figures(make_run(tmp_path, 1, keep=("conv1", "conv2")))
    assert names(paths) == ["layers_0000.png"]


def test_each_channel_of_the_output_has_its_own_panel(tmp_path):
    mono, stereo = tmp_path / "mono", tmp_path / "stereo"
    for path, channels in ((mono, 1), (stereo, 2)):
        path.mkdir()
        draw_probe_figures(make_run(path, 1, channels=channels))
    for kind in ("layers", "spectrograms"):
        heights = [size(path / "figures" / f"{kind}_0000.png")[1] for path in (mono, stereo)]
        assert heights[1] > heights[0]


def test_voiced_intervals_are_found_again_from_the_points_measured_in_them(tmp_path):
    points = [(0, 1, 0.125), (0, 1, 0.175), (0, 1, 0.225), (0, 1, 0.275), (0, 2, 0.5), (3, 1, 0.6)]
    rows = [
        {"id": output, "interval": interval, "time_s": time_s}
        for output, interval, time_s in points
    ]
    path = tmp_path / "measurements.csv"
    write_csv(path, ["id", "interval", "time_s"], rows + rows)
    (interval,) = figures._read_intervals(path)[0]
    assert interval == pytest.approx((0.1, 0.3))
    assert figures._read_intervals(tmp_path / "none.csv") == {}


def test_the_interpolation_is_drawn_for_any_number_of_steps(tmp_path):
    for values in ([3.0], [-15.0, -5.0, 5.0], list(np.linspace(-5, 5, 21))):
        make_run(tmp_path, len(values), vary={"name": "z11", "values": values})
        assert draw_interpolation_figure(tmp_path) == tmp_path / "figures" / "interpolation.png"


def test_the_interpolation_is_cut_fifty_ms_after_the_last_sound_of_any_step():
    out = np.zeros((2, 16384), np.float32)
    out[0, :4800] = 1  # 0.3 s
    out[1, :8000] = 0.1  # 0.5 s
    out[1, 8000:] = 0.001
    panel = figures.Panel("out", "Out", 16000, 8000, out)
    assert figures._silence_from_s([panel], 1.024) == pytest.approx(0.55)
    silent = panel._replace(series=np.zeros_like(out))
    assert figures._silence_from_s([silent], 1.024) == figures._silence_from_s([], 1.024) == 1.024


@pytest.mark.parametrize("rate", [4000, 8000, 16000])
def test_the_spectrogram_peaks_at_the_frequency_and_time_of_a_tone(rate):
    times_s = (np.arange(int(1.024 * rate)) + 0.5) / rate
    tone = 0.3 + np.sin(2 * np.pi * 1000 * times_s) * (np.abs(times_s - 0.6) < 0.1)
    frame_s, frequency_hz, level_db = spectrogram(tone, rate, 2000)
    assert frequency_hz[-1] <= 2000 and level_db.max() == 0
    loudest = frequency_hz[level_db[:, np.argmin(np.abs(frame_s - 0.6))].argmax()]
    assert loudest == pytest.approx(1000, abs=2 * frequency_hz[1])
    heard_s = frame_s[level_db.max(axis=0) > -6]
    assert (heard_s[0], heard_s[-1]) == pytest.approx((0.5, 0.7), abs=0.004)
    assert (level_db[:, frame_s < 0.45] == -70).all()  # the offset does not show


def test_the_loudest_stretch_is_where_the_energy_is():
    out = np.zeros(16384)
    out[8000:8160] = 1
    start_s = figures._loudest_s(out, 16000)
    assert start_s <= 0.5 and start_s + figures.ZOOM_S >= 0.51


def test_a_directory_without_the_files_of_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no config.json"):
        draw_probe_figures(tmp_path)
    with pytest.raises(InputError, match="no run of interpolate.py"):
        draw_interpolation_figure(make_run(tmp_path))
