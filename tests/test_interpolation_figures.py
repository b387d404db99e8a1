"""Figures of an interpolation: every sweep, base and layer, from the files alone."""

import numpy as np
import pytest
from made_interpolation import BURST_S, make_interpolation
from matplotlib.patches import Rectangle
from scipy import stats

from wavegan_tf.analysis.averages import upsample_linear
from wavegan_tf.errors import InputError
from wavegan_tf.report.figures import (
    draw_figures,
    draw_interpolation_figures,
    interpolation,
    shifts,
    style,
    sweeps,
    waveforms,
)
from wavegan_tf.report.reading import Panel, open_run, read_rows
from wavegan_tf.report.tables import read_csv, read_json, read_npz, write_csv, write_json, write_npz

ONE = ("time_value", "dose_response", "dose_response_layers", "effects", "change")


def make_bare(directory, sweeps, *keep, **options):
    """An interpolation without tables but those to keep: the figures of others take time."""
    make_interpolation(directory, sweeps, **options)
    tables = {"effects.csv", "responses.csv", "levels.csv", "intervals.csv", "outputs.csv"}
    for name in tables | {"changes.npz"}:
        if name not in keep:
            (directory / name).unlink()


def said(figure):
    texts = figure.findobj(lambda x: hasattr(x, "get_text"))
    return " | ".join(text.get_text() for text in texts)


def panel_of(figure, title):
    (axis,) = [axis for axis in figure.axes if axis.get_title(loc="left").startswith(title)]
    return axis


def names_of(latent):
    return {
        f"dose_response_{latent}_layers" if kind == "dose_response_layers" else f"{kind}_{latent}"
        for kind in ONE
    }


def test_a_single_base_and_sweep_has_one_figure_of_each_kind(tmp_path, drawn):
    make_interpolation(tmp_path, {"z11": [-5, 0, 5]}, layers=1)
    paths = draw_interpolation_figures(tmp_path)
    assert (
        {path.name for path in paths}
        == set(drawn)
        == {"interpolation_z11_base0000"} | names_of("z11")
    )


def test_the_same_files_give_the_same_bytes_of_png_and_pdf(tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 30)
    make_bare(tmp_path, {"z11": [-5, 5]}, layers=1)
    paths = draw_interpolation_figures(tmp_path)
    stems = ("interpolation_z11_base0000", "time_value_z11")
    assert [path.name for path in paths] == [f"{n}.{x}" for n in stems for x in ("png", "pdf")]
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_interpolation_figures(tmp_path)] == first


def test_each_base_and_each_sweep_of_a_grid_has_its_own_and_the_grid_its_interactions(
    tmp_path, drawn
):
    make_interpolation(tmp_path, {"z11": [-15, 0, 15], "c2": [0.5, 1]}, n_bases=3, layers=2)
    draw_figures(tmp_path, max_outputs=2)
    lines = {f"interpolation_{x}_base000{i}" for x in ("z11", "c2") for i in (0, 1)}
    assert set(drawn) == lines | names_of("z11") | names_of("c2") | {"interactions"}
    said_of_base = drawn["interpolation_z11_base0001"].get_suptitle()
    assert "Base 1 of 3 (the first 2 are drawn)" in said_of_base
    assert "c2 = 0.5" in drawn["interpolation_z11_base0001"].get_suptitle()
    assert "z11 = -15" in drawn["interpolation_c2_base0001"].get_suptitle()
    assert "values of c2" in drawn["time_value_z11"].get_suptitle()
    series = read_npz(tmp_path / "series.npz")["conv1"]
    lines = panel_of(drawn["interpolation_z11_base0001"], "Conv1").lines
    strengths = np.mean(series[[6, 8, 10]] ** 2, axis=1)  # base 1: 6 .. 11, c2 the faster
    for line, i in zip(lines, np.array([6, 8, 10])[np.argsort(-strengths)], strict=True):
        np.testing.assert_array_equal(
            line.get_ydata()[1:-1], series[i][: len(line.get_ydata()) - 2]
        )


def test_every_figure_of_nine_layers_fits_a_page_and_names_each(tmp_path, drawn):
    make_interpolation(tmp_path, {"z11": [-15, -1, 5]}, n_bases=3, layers=9)
    draw_interpolation_figures(tmp_path, max_outputs=1)
    assert len(drawn) == 6
    for name, figure in drawn.items():
        width_in, height_in = figure.get_size_inches()
        assert width_in <= style.WIDTH_IN and height_in <= style.HEIGHT_IN + 1e-6, name
        if name != "dose_response_z11":
            assert all(f"Conv{i}" in said(figure) for i in range(1, 10)), name
    figure = drawn["dose_response_z11"]
    figure.draw_without_rendering()
    named = {axis.get_title(loc="left") for axis in figure.axes}
    titles = figure.findobj(lambda x: hasattr(x, "get_text") and x.get_text() in named)
    assert any("ordinary" in title.get_text() for title in titles)
    assert all(title.get_window_extent().x1 <= figure.bbox.x1 for title in titles)


def test_of_many_steps_an_evenly_spaced_choice_is_drawn_and_said(tmp_path, drawn):
    values = np.linspace(-25, 25, 101)
    make_bare(tmp_path, {"z11": values}, layers=1)
    draw_interpolation_figures(tmp_path)
    assert "(40 of 101 steps)" in drawn["interpolation_z11_base0000"].get_suptitle()
    assert len(panel_of(drawn["interpolation_z11_base0000"], "Out").lines) == 40
    chosen = sweeps.Sweep("z11", values).chosen()
    assert chosen[0] == 0 and chosen[-1] == 100 and set(np.diff(chosen)) == {2, 3}
    assert list(sweeps.Sweep("z11", values[:40]).chosen()) == list(range(40))


def test_between_two_vectors_nothing_is_called_training_range_or_frozen(tmp_path, drawn):
    make_interpolation(tmp_path, {"t": np.linspace(0, 1, 5)}, layers=1, between="spherical")
    draw_interpolation_figures(tmp_path)
    everything = " ".join(map(said, drawn.values()))
    assert "first vector" in everything
    assert "training range" not in everything and "frozen" not in everything


def test_the_time_axis_is_cut_fifty_ms_after_the_last_sound_of_any_step():
    out = np.zeros((2, 16384), np.float32)
    out[0, :4800] = 1  # 0.3 s
    out[1, :8000] = 0.1  # 0.5 s
    out[1, 8000:] = 0.001
    panel = Panel("out", "Out", 16000, 8000, out)
    assert interpolation.silence_from_s([panel], 1.024) == pytest.approx(0.55)
    silent = panel._replace(series=np.zeros_like(out))
    assert interpolation.silence_from_s([silent], 1.024) == 1.024
    assert interpolation.silence_from_s([], 1.024) == 1.024


def test_a_line_through_the_samples_is_the_linear_upsampling_of_the_paper():
    series = np.random.default_rng(0).random(64)
    times_s, values = waveforms.extremes(Panel("conv1", "", 62.5, 31.25, series), 1.024)
    at_s = (np.arange(16384) + 0.5) / 16000
    np.testing.assert_allclose(np.interp(at_s, times_s, values), upsample_linear(series, 16384))


def test_a_long_line_keeps_the_extremes_of_each_stretch_in_order():
    series = np.random.default_rng(0).standard_normal(16384)
    times_s, values = waveforms.extremes(Panel("out", "", 16000, 8000, series), 2.0)
    assert len(values) < 4 * waveforms.LINE_COLUMNS and (np.diff(times_s) >= 0).all()
    assert {series.min(), series.max()} <= set(values)
    place = np.rint(times_s * 16000 - 0.5).astype(int)[1:-1]
    np.testing.assert_array_equal(values[1:-1], series[place.clip(0, 16383)])
    for part in np.array_split(np.arange(16384), 400):  # each longer than three stretches
        inside = np.isin(place, part)
        assert np.ptp(values[1:-1][inside]) == pytest.approx(np.ptp(series[part]), rel=0.5)
    cut_s, _ = waveforms.extremes(Panel("out", "", 16000, 8000, series), 0.5)
    assert 0.5 <= cut_s[-1] < 0.501


@pytest.mark.parametrize("length, frames", [(64, 64), (1000, 256), (16384, 256)])
def test_frames_cover_the_series_and_hold_its_mean_square(length, frames):
    series = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    power = sweeps.frame_power(series)
    parts = np.split(series.astype(float), [i * length // frames for i in range(1, frames)])
    np.testing.assert_allclose(power, [np.mean(part**2) for part in parts], rtol=1e-6)


def test_the_image_places_uneven_and_unordered_values_and_means_power_over_bases(tmp_path, drawn):
    values = [5, -15, 0, 1]
    make_bare(tmp_path, {"z11": values}, n_bases=2, layers=1)
    draw_interpolation_figures(tmp_path)
    mesh = panel_of(drawn["time_value_z11"], "Out").collections[0]
    edges = mesh.get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(edges, [-17, -7.5, 0.5, 3, 7])
    out = read_npz(tmp_path / "series.npz")["out"].astype(float).reshape(2, 4, 256, 64)
    power = np.mean(out**2, axis=(0, 3))[[1, 2, 3, 0]]
    level = np.maximum(10 * np.log10(power / power.max()), -80)
    np.testing.assert_allclose(np.asarray(mesh.get_array()), level, atol=1e-4)
    times_s = mesh.get_coordinates()[0, :, 0]
    loud = (level[-1] > -20) & (times_s[:-1] < 0.35)
    np.testing.assert_allclose(times_s[:-1][loud][[0, -1]], BURST_S, atol=0.005)


def test_a_measure_is_its_mean_over_an_outputs_intervals_and_over_the_other_sweep(tmp_path):
    make_interpolation(tmp_path, {"z11": [1, 2, 3], "c1": [0, 1]}, n_bases=2, layers=1)
    rows = read_csv(tmp_path / "intervals.csv")
    second = {"interval": 2, "value": 1000.0}  # another interval of output 3
    rows += [row | second for row in rows if row["id"] == 3 and row["measure"] == "f0"]
    write_csv(tmp_path / "intervals.csv", rows[0], rows)
    run = sweeps.open_interpolation(open_run(tmp_path))
    found = sweeps.read_measures(run, {("voiced", "f0")})["1", "out", "voiced", "f0"]
    f0_hz = [
        [r["value"] for r in rows if (r["id"], r["layer"], r["measure"]) == (i, "out", "f0")]
        for i in range(12)
    ]
    expected = np.array([np.mean(x) if x else np.nan for x in f0_hz])
    assert len(f0_hz[3]) == 2 and np.isnan(expected).any()  # base 1 has no voice at 1
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(run.along(found, 0)[0], expected[:6].reshape(3, 2).mean(axis=1))
    np.testing.assert_allclose(run.along(found, 1), np.nanmean(expected.reshape(2, 3, 2), axis=1))


def test_responses_show_the_mean_its_interval_and_how_many_bases_have_the_measure(tmp_path, drawn):
    values = [-15, -5, 0, 10]
    kept = ("responses.csv", "levels.csv", "intervals.csv", "outputs.csv")
    make_bare(tmp_path, {"z11": values}, *kept, n_bases=8, layers=1)
    draw_interpolation_figures(tmp_path, 0)
    axes = drawn["dose_response_z11"].axes
    duration_of = {
        axis.get_ylabel(): axes[axes.index(axis) : axes.index(axis) + 4] for axis in axes
    }
    share, duration, *_ = duration_of["Voiced"]
    assert [text.get_text() for text in duration.texts] == ["4", "8", "8", "8"]
    run = sweeps.open_interpolation(open_run(tmp_path))
    found = sweeps.read_measures(run, {("voiced", "duration")})
    lines = found["1", "out", "voiced", "duration"].reshape(8, 4)
    mean = duration.lines[-1].get_ydata()
    np.testing.assert_allclose(mean, np.nanmean(lines, axis=0))
    assert len(duration.lines) == 8 + 1
    band = duration.collections[0].get_paths()[0].vertices[:, 1]
    low, high = stats.t.interval(0.95, 7, lines[:, 2].mean(), stats.sem(lines[:, 2]))
    assert np.abs(band - low).min() < 1e-9 and np.abs(band - high).min() < 1e-9
    np.testing.assert_allclose(share.lines[-1].get_ydata(), [0.5, 1, 1, 1])
    shaded = [patch for patch in duration.patches if isinstance(patch, Rectangle)]
    assert [(p.get_x(), p.get_width()) for p in shaded] == [(-1, 2)]


def test_effects_are_coloured_by_their_interval_and_framed_where_they_are_shown(tmp_path, drawn):
    make_bare(tmp_path, {"z11": [-5, 0, 5]}, "effects.csv", n_bases=6, layers=2)
    draw_interpolation_figures(tmp_path, 0)
    rows = read_csv(tmp_path / "effects.csv")
    axes = [axis for axis in drawn["effects_z11"].axes if axis.images]
    shown = [row for row in rows if row["verdict"] == "changes"]
    assert sum(len(axis.patches) for axis in axes) == len(shown) > 0
    texts = [text for axis in axes for text in axis.texts]
    bold = [text.get_text() for text in texts if text.get_fontweight() == "bold"]
    assert sorted(bold) == sorted(shifts.short(row["difference"]) for row in shown)
    effect = np.ma.concatenate([axis.images[0].get_array().ravel() for axis in axes]).compressed()
    expected = [row["difference"] / (row["upper"] - row["lower"]) * 2 for row in rows]
    expected = [x for x, row in zip(expected, rows, strict=True) if row["verdict"] != "too few"]
    np.testing.assert_allclose(np.sort(effect), np.sort(expected))


def test_what_only_differs_from_the_middle_is_framed_by_dashes_and_its_bend_marked(tmp_path, drawn):
    make_interpolation(tmp_path, {"z11": [-5, 0, 5]}, n_bases=6, layers=1)
    rows = read_csv(tmp_path / "effects.csv")
    nothing = {"difference": 0.5, "lower": -1.0, "upper": 2.0, "p_holm": 1.0}
    nothing |= {"verdict": "no change shown", "from_middle_first": 3.0, "from_middle_last": 3.5}
    nothing |= {"from_middle_first_p_holm": 1.0, "from_middle_last_p_holm": 1.0}
    rows = [row | nothing for row in rows]
    rows[0] |= {"from_middle_first_p_holm": 0.01, "verdict": "changes"}
    rows[1] |= rows[0] | {key: rows[1][key] for key in ("layer", "label", "measure", "unit")}
    rows[1] |= {"from_middle_last_p_holm": 0.02}
    write_csv(tmp_path / "effects.csv", rows[0], rows)
    draw_interpolation_figures(tmp_path, 0)
    axes = [axis for axis in drawn["effects_z11"].axes if axis.images]
    frames = [patch for axis in axes for patch in axis.patches]
    assert len(frames) == 2 and all(frame.get_linestyle() != "solid" for frame in frames)
    texts = [text.get_text() for axis in axes for text in axis.texts]
    assert texts.count("+0.500 ∨") == 1 and texts.count("+0.500") == len(rows) - 1
    assert "an end from the middle, 0;" in said(drawn["effects_z11"]).replace("\n", " ")


def test_the_colour_of_an_effect_passes_one_where_its_interval_excludes_zero():
    for value, lower, upper, expected in (
        (2.0, 1.0, 9.0, 2), (2.0, 0.0, 9.0, 1), (-2.0, -9.0, 2.0, -0.5), (0.0, -1.0, 1.0, 0)
    ):  # fmt: skip
        row = {"difference": value, "lower": lower, "upper": upper, "verdict": "changes"}
        assert shifts.standardised(row, "difference") == expected
        few = row | {"verdict": "too few"}
        assert np.isnan(shifts.standardised(few, "difference"))


def test_differences_of_one_base_stand_in_brackets_without_colour(tmp_path, drawn):
    make_bare(tmp_path, {"z11": [-5, 0, 5]}, "effects.csv", layers=2)
    draw_interpolation_figures(tmp_path, 0)
    figure = drawn["effects_z11"]
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert texts and all(text == "–" or text[0] + text[-1] == "()" for text in texts)
    assert "one base" in figure.get_suptitle() and "Colour" not in said(figure)
    assert all(np.ma.count(axis.images[0].get_array()) == 0 for axis in figure.axes)


def test_numbers_have_three_digits_at_most():
    given = (0, 1234.6, -12.34, 0.04512, -0.00066, 0.999)
    assert [shifts.short(x) for x in given] == ["0", "+1235", "-12.3", "+0.0451", "-7e-4", "+0.999"]


def test_changes_mark_the_regions_of_spikes_and_their_shares(tmp_path, drawn):
    make_bare(tmp_path, {"z11": [-5, 0, 5]}, "changes.npz", n_bases=4, layers=2)
    draw_interpolation_figures(tmp_path, 0)
    columns = ("latent layer", "rank time_s start_s end_s share n_bases")
    rows = [r for r in read_rows(tmp_path / "spikes.csv", *columns) if r["layer"] == "conv1"]
    axis = panel_of(drawn["change_z11"], "Conv1")
    shaded = sorted((p.get_x(), p.get_x() + p.get_width()) for p in axis.patches)
    np.testing.assert_allclose(shaded, sorted((r["start_s"], r["end_s"]) for r in rows))
    assert f"{100 * rows[0]['share']:.0f} %" in [text.get_text() for text in axis.texts]
    change = read_npz(tmp_path / "changes.npz")["z11/conv1"]
    np.testing.assert_array_equal(axis.lines[0].get_ydata()[1:-1], change)


def test_a_single_value_has_lines_and_nothing_to_compare(tmp_path, drawn):
    make_interpolation(tmp_path, {"z11": [3.0]}, layers=1)
    for name in ("effects.csv", "responses.csv", "changes.npz"):
        (tmp_path / name).unlink()
    draw_interpolation_figures(tmp_path)
    assert [name for name, figure in drawn.items() if figure is not None] == [
        "interpolation_z11_base0000"
    ]


@pytest.mark.parametrize("fill", [0, np.nan])
def test_silent_constant_and_undefined_series_can_be_drawn(tmp_path, fill, monkeypatch):
    def render(figure, stem):
        style.save_png(figure, stem.with_suffix(".png"), dpi=20)
        return [stem]

    monkeypatch.setattr(style, "save", render)
    make_bare(tmp_path, {"z1": [0, 1]}, "changes.npz", layers=1)
    for name in ("series.npz", "changes.npz"):
        arrays = {key: np.full_like(x, fill) for key, x in read_npz(tmp_path / name).items()}
        write_npz(tmp_path / name, arrays)
    (tmp_path / "figures").mkdir()
    names = {path.name for path in draw_interpolation_figures(tmp_path)}
    assert {"interpolation_z1_base0000", "time_value_z1"} <= names


def test_an_older_versions_run_is_refused_with_the_command_that_writes_it_anew(tmp_path):
    make_interpolation(tmp_path, {"z11": [-5, 5]}, layers=1)
    config = read_json(tmp_path / "config.json")
    for old in ({"vary": {"name": "z11", "values": [-5, 5]}}, {"n_bases": None}):
        old = {key: x for key, x in (config | old).items() if x is not None}
        write_json(tmp_path / "config.json", old)
        with pytest.raises(InputError, match=r"older version .* interpolate.py .*--vary=z11="):
            draw_figures(tmp_path)


@pytest.mark.parametrize("n_bases, held", [(3, "2 outputs"), (0.5, "more")])
def test_series_of_another_number_of_outputs_are_refused(tmp_path, n_bases, held):
    make_interpolation(tmp_path, {"z11": [-5, 5]}, layers=1)
    config = read_json(tmp_path / "config.json")
    if n_bases < 1:
        config["vary"][0]["values"] = [0.0]
    write_json(tmp_path / "config.json", config | {"n_bases": max(1, n_bases)})
    with pytest.raises(InputError, match=f"series.npz holds {held}.* config.json speaks of"):
        draw_interpolation_figures(tmp_path)
