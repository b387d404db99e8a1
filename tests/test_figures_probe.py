"""Figures come from the tables and arrays of a result, for any set of layers."""

import numpy as np
import pytest
from conftest import said
from made_probe import RATE_HZ, make_probe

from wavegan_tf.output import figures_probe as drawings
from wavegan_tf.output import style

OUTPUT_KINDS = ["layers_0000", "overlay_0000", "spectrograms_0000", "maps_0000"]
LABELS = ("voiced", "frication", "silence")


@pytest.fixture(scope="module")
def result():
    return make_probe(conditions=("a", "b", "c"))


def test_every_table_and_output_has_its_figures(result):
    assert result.figures == [
        *OUTPUT_KINDS,
        *("f0", "intensity", "f1", "f2", "hnr"),
        *(f"durations_{label}" for label in LABELS),
        *(f"encoding_{label}" for label in LABELS),
        *("differences_voiced_1", "differences_voiced_2"),
    ]


@pytest.mark.parametrize("network, layers", [("generator", 9), ("q", 5)])
def test_every_figure_fits_a_page_and_names_each_layer(network, layers):
    result = make_probe(layers, network=network, words=3, conditions=("a", "b"), outputs=3)
    target = {"generator": "Out", "q": "Input"}[network]
    figures = drawings.figures(result)
    assert len(figures) == 17
    for name, draw in figures.items():
        figure = draw()
        width_in, height_in = figure.get_size_inches()
        assert width_in <= style.WIDTH_IN and height_in <= style.HEIGHT_IN + 1e-6, name
        written = said(figure)
        if not name.startswith(("overlay", "spectrograms")):
            assert all(f"Conv{i}" in written for i in range(1, layers + 1)), name
        if not name.startswith(("maps", "words")):
            assert target in written, name


def test_channels_have_figures_of_their_own():
    result = make_probe(channels=2, layers=2, outputs=3)
    figures = drawings.figures(result)
    for name in ("f0", "durations_voiced", "encoding_silence"):
        for channel in (1, 2):
            title = figures[f"{name}_channel{channel}"]().get_suptitle()
            assert title.startswith(f"Channel {channel}. ")
    assert len(figures["layers_0000"]().axes) == 4  # two layers, two channels of out
    titles = [axis.get_title(loc="left") for axis in result.figure("spectrograms_0000").axes]
    assert [title.split("  ")[0] for title in titles[:2]] == ["Out, channel 1", "Out, channel 2"]


def test_a_run_without_any_value_has_the_figures_of_its_series_alone():
    assert make_probe(empty=True).figures == OUTPUT_KINDS


def test_silent_constant_and_undefined_series_can_be_drawn(tmp_path):
    result = make_probe(empty=True, outputs=1, layers=3)
    for arrays in result.arrays.values():
        for name, values in arrays.items():
            values[...] = {"conv1": 0.25, "conv2": np.nan}.get(name, 0)
    for name in result.figures:
        style.save_png(result.figure(name), tmp_path / f"{name}.png", dpi=30)


def test_layers_that_were_left_out_are_left_out_of_the_figures():
    result = make_probe(empty=True)
    series = result.arrays["series"]
    for kept, kinds in ((("conv4", "out"), 3), (("out",), 1), (("conv1", "conv2"), 1)):
        result.arrays = {"series": {name: series[name] for name in kept}}
        assert len(result.figures) == kinds
        panels = drawings.make_panels(result, result.arrays["series"])
        assert [panel.layer for panel in panels] == sorted(kept)


def test_intervals_of_the_target_are_shaded_by_label(result):
    figure = result.figure("layers_0000")
    for axis in figure.axes:
        shades = {(round(p.get_x(), 3), round(p.get_width(), 3)): p for p in axis.patches}
        assert set(shades) == {(0.05, 0.15), (0.22, 0.25), (0.47, 0.3)}
        assert len({p.get_facecolor() for p in shades.values()}) == 3
    assert all(label in said(figure) for label in LABELS)


def test_the_overlay_prints_the_factor_that_brings_a_layer_to_the_peak_of_the_output(result):
    out, layer = np.array([[0.0, -0.5, 0.25]]), np.array([[0.0, 2.0, 1.0]])
    panels = [drawings.Panel("out", "Out", 3, 1.5, out)]
    panels += [drawings.Panel("conv1", "Conv1", 3, 1.5, layer)]
    figure = drawings.draw_overlay(result, panels[0], panels[1:], 0)
    assert "Conv1 × 0.25" in said(figure)
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), [0.0, 0.5, 0.25])


def test_maps_are_drawn_as_they_are_one_row_each(result):
    pictures = [axis.images[0] for axis in result.figure("maps_0000").axes if axis.images]
    for expected, picture in zip(result.arrays["maps"].values(), pictures, strict=True):
        np.testing.assert_array_equal(picture.get_array(), expected[0].T.astype(np.float32))


def test_contours_show_the_mean_over_outputs_and_say_why_a_layer_has_none(result):
    figure = result.figure("f0")
    conv1, *_, conv4 = figure.axes
    assert "(no value)" in conv1.get_title(loc="left") and "(n = 5)" in conv4.get_title(loc="left")
    assert "Nyquist" in said(figure)
    points = result.tables["points"].query("measure == 'f0'")
    expected = points[points["layer"] == "conv4"].groupby("point")["value"].mean()
    line = next(line for line in conv4.lines if line.get_label() == "layer")
    np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_allclose(line.get_xdata(), np.arange(0.05, 1, 0.1))
    span = points["value"].max() - points["value"].min()  # bands do not set the scale
    ends = points["value"].min() - 0.05 * span, points["value"].max() + 0.05 * span
    assert conv1.get_ylim() == pytest.approx(ends)


def test_durations_show_every_pair_and_the_numbers_of_the_model(result):
    wide = result.tables["intervals"].query("measure == 'duration' and label == 'voiced'")
    wide = wide.pivot(index="output", columns="layer", values="value")
    for axis, layer in zip(result.figure("durations_voiced").axes, wide, strict=False):
        _, points, model = axis.lines
        np.testing.assert_array_equal(points.get_xydata(), wide[["out", layer]])
        np.testing.assert_allclose(model.get_ydata(), 0.01 + 0.96 * model.get_xdata())
        text = "β 0.96 [0.90, 1.02]\nt 30.3, adj. R² 0.97, n 6\nrandom: adj. R² 0.20"
        assert axis.texts[0].get_text() == text
    result = make_probe(outputs=7)
    result.tables["durations"]["n_random"] = 0
    (text,) = result.figure("durations_voiced").axes[0].texts
    assert text.get_text() == "β 0.96 [0.90, 1.02]\nt 30.3, adj. R² 0.97, n 7\nrandom: none has it"


def test_the_heat_map_writes_r_and_p_and_frames_what_is_encoded(result):
    rows = result.tables["correlations"].query("label == 'voiced' and statistic == 'pearson'")
    axis = result.figure("encoding_voiced").axes[0]
    texts = [text.get_text() for text in axis.texts]
    assert all(f"{r:.2f}".replace("-", "−") in texts for r in rows["estimate"].dropna())
    assert {"p 0.001", "p 0.300", "few networks", "–"} <= set(texts)
    frames = [patch.get_linestyle() for patch in axis.patches]
    verdicts = rows["verdict"].tolist()
    assert sum(x in ("-", "solid") for x in frames) == verdicts.count("encoded") > 0
    assert sum(x in ("--", "dashed") for x in frames) == verdicts.count("inverse") > 0


def test_what_rests_on_too_few_outputs_has_no_colour():
    result = make_probe()
    table = result.tables["correlations"]
    image = result.figure("encoding_voiced").axes[0].images[0].get_array()
    assert not np.ma.getmaskarray(image).all()
    result.tables["correlations"] = table.assign(n_outputs=1)  # of F0 in semitones as well
    image = result.figure("encoding_voiced").axes[0].images[0].get_array()
    assert np.ma.getmaskarray(image).all()


def test_differences_are_filled_where_they_are_significant(result):
    rows = result.tables["differences"].query("condition == 'b'")
    figure = result.figure("differences_voiced_1")
    dots = [line for axis in figure.axes for line in axis.lines if line.get_marker() == "o"]
    filled = [line for line in dots if line.get_markerfacecolor() != "white"]
    assert len(dots) == len(rows)
    assert len(filled) == (rows["verdict"] == "differs").sum() > 0
    assert "b minus a" in said(figure)


@pytest.mark.parametrize("words", [1, 90])
def test_the_twenty_words_of_the_most_recordings_are_drawn(words):
    figure = drawings.draw_words(make_probe(network="q", layers=3, words=words, outputs=2))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == f"word0 ({words})" and len(labels) == min(words, 20)
    assert len(figure.axes) == 3


@pytest.mark.parametrize("rate", [4000, 8000, 16000])
def test_the_spectrogram_peaks_at_the_frequency_and_time_of_a_tone(rate):
    times_s = (np.arange(int(1.024 * rate)) + 0.5) / rate
    tone = 0.3 + np.sin(2 * np.pi * 1000 * times_s) * (np.abs(times_s - 0.6) < 0.1)
    frame_s, frequency_hz, level_db = drawings.spectrogram(tone, rate, 2000)
    assert frequency_hz[-1] <= 2000 and level_db.max() == 0
    loudest = frequency_hz[level_db[:, np.argmin(np.abs(frame_s - 0.6))].argmax()]
    assert loudest == pytest.approx(1000, abs=2 * frequency_hz[1])
    heard_s = frame_s[level_db.max(axis=0) > -6]
    assert (heard_s[0], heard_s[-1]) == pytest.approx((0.5, 0.7), abs=0.004)
    assert (level_db[:, frame_s < 0.45] == -70).all()  # the offset does not show


def test_the_loudest_stretch_is_where_the_energy_is():
    out = np.zeros(16384)
    out[8000:8160] = 1
    start_s = drawings.loudest_s(out, RATE_HZ)
    assert start_s <= 0.5 and start_s + drawings.ZOOM_S >= 0.51
