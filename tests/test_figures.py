"""Figures come from the files of a run, for any set of layers, and are the same every time."""

import csv
import struct

import numpy as np
import pytest
from made_run import RATE_HZ, make_run
from matplotlib.figure import Figure
from scipy import stats

from wavegan_tf.errors import InputError
from wavegan_tf.report.figures import (
    contours,
    draw,
    draw_figures,
    draw_interpolation_figures,
    draw_probe_figures,
    draw_table_figures,
    style,
    waveforms,
)
from wavegan_tf.report.figures.spectrograms import spectrogram
from wavegan_tf.report.reading import Panel, open_run
from wavegan_tf.report.tables import read_npz, write_npz

OUTPUT_KINDS = ("layers", "overlay", "spectrograms", "maps")
TABLES = ("measurements.csv", "intervals.csv", "correlations.csv", "durations.csv")


def bare_run(path, keep=(), **options):
    """A run without tables but those to keep: the figures of others take time."""
    make_run(path, **options)
    for name in set(TABLES) - set(keep):
        (path / name).unlink()
    return path


def texts_of(figure):
    """All that is written in a figure."""
    return [text.get_text() for text in figure.findobj(lambda x: hasattr(x, "get_text"))]


def said(figure):
    return " | ".join(texts_of(figure))


def test_a_probe_gets_four_figures_for_each_of_the_first_outputs_as_png_and_pdf(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(style, "DPI", 30)
    paths = draw_probe_figures(bare_run(tmp_path, outputs=2, layers=2), max_outputs=1)
    names = [f"{kind}_0000{ending}" for kind in OUTPUT_KINDS for ending in (".png", ".pdf")]
    assert [path.name for path in paths] == names
    assert all(path.parent == tmp_path / "figures" and path.stat().st_size for path in paths)
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_probe_figures(tmp_path, 1)] == first  # same bytes
    assert all(b"CreationDate" not in content and b"Matplotlib" not in content for content in first)


def test_tables_get_figures_for_each_label_and_measure_with_values(tmp_path, drawn):
    make_run(tmp_path, layers=2, conditions=("a", "b", "c"))
    paths = draw_table_figures(tmp_path)
    labels = ("voiced", "frication", "silence")
    assert [path.name for path in paths] == list(drawn) == [
        *("f0", "intensity", "f1", "f2", "hnr"),
        *(f"durations_{label}" for label in labels),
        *(f"encoding_{label}" for label in labels),
        "differences_voiced_1",
        "differences_voiced_2",
    ]  # fmt: skip


@pytest.mark.parametrize("network, layers", [("generator", 9), ("q", 5)])
def test_every_figure_fits_a_page_and_names_each_layer(tmp_path, drawn, network, layers):
    make_run(tmp_path, layers, network=network, words=3, conditions=("a", "b"))
    draw_figures(tmp_path, max_outputs=1)
    assert len(drawn) == 17
    target = {"generator": "Out", "q": "Input"}[network]
    for name, figure in drawn.items():
        width_in, height_in = figure.get_size_inches()
        assert width_in <= style.WIDTH_IN and height_in <= style.HEIGHT_IN + 1e-6, name
        if not name.startswith(("overlay", "spectrograms")):
            assert all(f"Conv{i}" in said(figure) for i in range(1, layers + 1)), name
        if not name.startswith(("maps", "words")):
            assert target in said(figure), name


def test_channels_have_figures_of_their_own(tmp_path, drawn):
    make_run(tmp_path, channels=2, layers=2)
    draw_figures(tmp_path, max_outputs=1)
    for name in ("f0", "durations_voiced", "encoding_silence"):
        for channel in (1, 2):
            assert f"Channel {channel}" in said(drawn[f"{name}_channel{channel}"])
    assert len(drawn["layers_0000"].axes) == 4  # two layers, two channels of out
    assert {"Out, channel 1", "Out, channel 2"} <= {
        axis.get_title(loc="left").split("  ")[0] for axis in drawn["spectrograms_0000"].axes
    }


def test_a_run_without_any_value_has_the_figures_of_its_series_alone(tmp_path, drawn):
    make_run(tmp_path, empty=True)
    draw_figures(tmp_path, max_outputs=1)
    assert list(drawn) == [f"{kind}_0000" for kind in OUTPUT_KINDS]
    assert not draw_table_figures(bare_run(tmp_path / "bare"))


def test_one_output_can_be_drawn(tmp_path, drawn):
    draw_figures(make_run(tmp_path, outputs=1, layers=2))
    assert "f0" in drawn and "layers_0001" not in drawn


@pytest.mark.parametrize("fill", [0, 0.25, np.nan])
def test_silent_constant_and_undefined_series_can_be_drawn(tmp_path, fill, monkeypatch):
    def render(figure, stem):
        style.save_png(figure, stem.with_suffix(".png"), dpi=30)
        return [stem]

    monkeypatch.setattr(style, "save", render)
    bare_run(tmp_path, outputs=1, layers=1)
    (tmp_path / "figures").mkdir()
    for name in ("series.npz", "maps.npz"):
        arrays = {key: np.full_like(x, fill) for key, x in read_npz(tmp_path / name).items()}
        write_npz(tmp_path / name, arrays)
    assert len(draw_probe_figures(tmp_path)) == 4


def test_layers_that_were_left_out_are_left_out_of_the_figures(tmp_path, drawn):
    bare_run(tmp_path, outputs=1)
    (tmp_path / "maps.npz").unlink()
    series = read_npz(tmp_path / "series.npz")
    for kept, kinds in ((("conv4", "out"), 3), (("out",), 1), (("conv1", "conv2"), 1)):
        write_npz(tmp_path / "series.npz", {name: series[name] for name in kept})
        drawn.clear()
        draw_probe_figures(tmp_path)
        assert len(drawn) == kinds and len(drawn["layers_0000"].axes) == len(kept)


def test_intervals_are_shaded_by_label_where_the_table_has_them(tmp_path, drawn):
    bare_run(tmp_path, ["intervals.csv"], outputs=1)
    draw_figures(tmp_path)
    assert [label for label, *_ in draw.read_intervals(open_run(tmp_path), 1)[0][1]] == [
        "frication", "voiced", "silence",
    ]  # fmt: skip
    for axis in drawn["layers_0000"].axes:
        shades = {(round(p.get_x(), 3), round(p.get_width(), 3)): p for p in axis.patches}
        assert set(shades) == {(0.05, 0.15), (0.22, 0.25), (0.47, 0.3)}
        colours = {p.get_facecolor() for p in shades.values()}
        assert len(colours) == 3
    assert {"voiced", "frication", "silence"} <= set(texts_of(drawn["layers_0000"]))


def test_the_overlay_prints_the_factor_that_brings_a_layer_to_the_peak_of_the_output():
    out, layer = np.array([[0.0, -0.5, 0.25]]), np.array([[0.0, 2.0, 1.0]])
    panels = [Panel("out", "Out", 3.0, 1.5, out), Panel("conv1", "Conv1", 3.0, 1.5, layer)]
    figure = waveforms.draw_overlay(panels[0], panels[1:], 0, 1.0, [], "Output 0")
    assert "Conv1 × 0.25" in said(figure)
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), [0.0, 0.5, 0.25])


def test_maps_are_drawn_as_they_are_one_row_each(tmp_path, drawn):
    bare_run(tmp_path, outputs=1)
    draw_probe_figures(tmp_path)
    maps = read_npz(tmp_path / "maps.npz")
    pictures = [axis.images[0] for axis in drawn["maps_0000"].axes if axis.images]
    for (name, expected), picture in zip(maps.items(), pictures, strict=True):
        np.testing.assert_array_equal(picture.get_array(), expected[0].T, err_msg=name)


def test_contours_show_the_mean_over_outputs_and_say_why_a_layer_has_none(tmp_path, drawn):
    bare_run(tmp_path, ["measurements.csv"], outputs=5)
    draw_table_figures(tmp_path)
    conv1, *_, conv4 = drawn["f0"].axes
    assert "(no value)" in conv1.get_title(loc="left") and "(n = 5)" in conv4.get_title(loc="left")
    assert "Nyquist" in said(drawn["f0"])
    with open(tmp_path / "measurements.csv", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if (r["measure"], r["layer"]) == ("f0", "conv4")]
    expected = [
        np.mean([float(r["value"]) for r in rows if int(r["point"]) == k]) for k in range(1, 11)
    ]
    (line,) = [line for line in conv4.lines if line.get_label() == "layer"]
    np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_allclose(line.get_xdata(), np.arange(0.05, 1, 0.1))


def test_the_band_is_students_interval_over_outputs_however_many_intervals_each_has():
    rng = np.random.default_rng(0)
    outputs = rng.normal(100, 10, (6, 3))
    ids = np.array([0, 0, 1, 2, 3, 4, 5])
    values = np.concatenate([[outputs[0] - 4], [outputs[0] + 4], outputs[1:]])
    mean, half, n = contours.mean_and_band(ids, values)
    low, high = stats.t.interval(0.95, 5, outputs.mean(0), stats.sem(outputs))
    np.testing.assert_allclose([mean - half, mean + half], [low, high])
    assert n == 6
    values[4:, 0] = np.nan  # three outputs are left, then two
    mean, half, _ = contours.mean_and_band(ids, values)
    assert mean[0] == pytest.approx(outputs[:3, 0].mean())
    values[3:, 0] = np.nan
    mean, half, _ = contours.mean_and_band(ids, values)
    assert np.isnan([mean[0], half[0]]).all() and np.isfinite([mean[1:], half[1:]]).all()


def test_wide_bands_and_single_values_do_not_set_the_scale(tmp_path, drawn):
    bare_run(tmp_path, ["measurements.csv"], outputs=3)
    draw_table_figures(tmp_path)
    low, high = drawn["f0"].axes[0].get_ylim()
    with open(tmp_path / "measurements.csv", encoding="utf-8") as file:
        f0_hz = [float(r["value"]) for r in csv.DictReader(file) if r["measure"] == "f0"]
    span = np.nanmax(f0_hz) - np.nanmin(f0_hz)
    assert (low, high) == pytest.approx(
        (np.nanmin(f0_hz) - 0.05 * span, np.nanmax(f0_hz) + 0.05 * span)
    )


def test_durations_show_every_pair_and_the_numbers_of_the_model(tmp_path, drawn):
    bare_run(tmp_path, ["intervals.csv", "durations.csv"], outputs=7)
    draw_table_figures(tmp_path)
    for axis in drawn["durations_voiced"].axes:
        dotted, points, model = axis.lines
        assert len(points.get_xdata()) == 7
        x, y = model.get_xdata(), model.get_ydata()
        np.testing.assert_allclose(y, 0.01 + 0.96 * x)
        assert "β 0.96 [0.90, 1.02]" in axis.texts[0].get_text()
        assert "adj. R² 0.97, n 7" in axis.texts[0].get_text()


def test_the_heat_map_writes_r_and_the_higher_control_and_frames_what_is_encoded(tmp_path, drawn):
    bare_run(tmp_path, ["correlations.csv"])
    draw_table_figures(tmp_path)
    with open(tmp_path / "correlations.csv", encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["label"], row["statistic"]) == ("frication", "pearson")
        ]
    axis = drawn["encoding_frication"].axes[0]
    texts = [text.get_text() for text in axis.texts]
    for row in rows:
        assert row["value"] == "NaN" or f"{float(row['value']):.2f}" in texts
    assert {"(0.31)", "(no control)", "–"} <= set(texts)
    frames = sorted(patch.get_linestyle() for patch in axis.patches)
    verdicts = [row["verdict"] for row in rows]
    assert frames.count("-") + frames.count("solid") == verdicts.count("encoded") > 0
    assert frames.count("--") + frames.count("dashed") == verdicts.count("inverse") > 0


@pytest.mark.parametrize("words", [1, 20, 21, 90])
def test_up_to_twenty_words_are_lines_and_more_are_an_image(tmp_path, drawn, words):
    bare_run(tmp_path, network="q", layers=3, words=words)
    draw_table_figures(tmp_path)
    axis = drawn["words"].axes[0]
    assert len(drawn["words"].axes) == 3
    assert bool(axis.images) == (words > 20)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels[0] == "word0 (7)" and len(labels) <= 40
    assert len(labels) == words or words > 40


def test_differences_are_filled_where_they_are_significant(tmp_path, drawn):
    bare_run(tmp_path, conditions=("a", "b"))
    draw_table_figures(tmp_path)
    with open(tmp_path / "differences.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    dots = [line for axis in drawn["differences_voiced_1"].axes for line in axis.lines]
    dots = [line for line in dots if line.get_marker() == "o"]
    filled = [line for line in dots if line.get_markerfacecolor() != "white"]
    assert len(dots) == len(rows)
    assert len(filled) == sum(row["verdict"] == "differs" for row in rows) > 0
    assert "b minus a" in said(drawn["differences_voiced_1"])


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
    start_s = waveforms._loudest_s(out, RATE_HZ)
    assert start_s <= 0.5 and start_s + waveforms.ZOOM_S >= 0.51


def test_a_png_has_the_width_of_a_page(tmp_path):
    figure = Figure(figsize=(style.WIDTH_IN, 1))
    png, _ = style.save(figure, tmp_path / "figures" / "blank")
    assert struct.unpack(">II", png.read_bytes()[16:24]) == (1400, 200)


def test_a_directory_without_the_files_of_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no config.json"):
        draw_probe_figures(tmp_path)
    with pytest.raises(InputError, match="no run of interpolate.py"):
        draw_interpolation_figures(make_run(tmp_path))
    (tmp_path / "series.npz").unlink()
    with pytest.raises(InputError, match="has no series.npz"):
        draw_figures(tmp_path)


def test_the_tool_takes_the_directory_as_an_argument_or_a_flag(tmp_path, run_script):
    make_run(tmp_path, empty=True, words=1, layers=1)
    tool = "-m wavegan_tf.tools.figures"
    result = run_script(tool, tmp_path, "--max_figures=0")
    assert result.returncode == 0, result.stderr
    assert f"2 files in {tmp_path}/figures" in result.stdout
    assert result.stderr == ""  # nothing of how fonts are embedded
    result = run_script(tool, "--out_dir", tmp_path / "none")
    assert result.returncode == 1 and "has no config.json" in result.stderr
