"""Figures of an interpolation, from its tables and arrays alone."""

import numpy as np
import pandas as pd
import pytest
from conftest import said
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from scipy import stats

from wavegan_tf.experiments import interpolate
from wavegan_tf.experiments.followed import Followed
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Sweep
from wavegan_tf.model import layers_table
from wavegan_tf.models.config import Layer
from wavegan_tf.output import figures_interpolate as figures
from wavegan_tf.output import style
from wavegan_tf.stats import sweeps
from wavegan_tf.stats.resampling import StatisticsSettings

BURST_S, VOICE_S = (0.15, 0.30), (0.4, 0.8)
SETTINGS = StatisticsSettings(n_resamples=200)


def made(varied, n_bases=1, layers=1, ends=None):
    """A result of invented series and measures.

    The first sweep brings in a burst above a value of 0, and moves the measures by a tenth of its
    value; every other base has no voice at its lowest value.
    """
    rng = np.random.default_rng(0)
    varied = [Sweep(name, tuple(map(float, values))) for name, values in varied.items()]
    cells = np.meshgrid(*(sweep.values for sweep in varied), indexing="ij")[0].ravel()
    first = np.tile(cells, n_bases)
    every = [Layer(f"conv{i}", 2 ** (5 + i), 4, 4, 4, 31.25 * 2**i) for i in range(1, layers + 1)]
    every.append(Layer("out", 16384, 4, 1, 4, 16000.0))
    followed = Followed(every, "out", varied, n_bases, {})
    series = {}
    for layer in every:
        times_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
        burst, voice = ((times_s > a) & (times_s < b) for a, b in (BURST_S, VOICE_S))
        size = 0.02 * np.maximum(first, 0)[:, None] * burst + 0.1 * voice + 0.001
        sound = size * rng.standard_normal(size.shape)
        series[layer.name] = sound if layer.name == "out" else 0.2 + np.abs(sound)
    for i in range(len(first)):
        followed.add(i, {name: rows[i] for name, rows in series.items()})
    silent = (np.repeat(np.arange(n_bases), len(cells)) % 2 == 1) & (first == first.min())
    measures = {(1, "out", "voiced", "share", "1"): 1.0 - silent}
    for measure, unit in (("duration", "s"), ("f0", "Hz")):
        for layer in every:
            value = 1 + 0.1 * first + 0.3 * rng.standard_normal(len(first))
            value[silent | ((layer.name, measure) == ("conv1", "f0"))] = np.nan
            measures[1, layer.name, "voiced", measure, unit] = value
    values = pd.concat([sweeps.values_frame(measures), followed.values()])
    told = values.drop("share", level="measure")
    tables = followed.tables(SETTINGS) | {
        "values": sweeps.tidy(told),
        "responses": sweeps.measure_responses(values, varied, SETTINGS),
        "effects": sweeps.measure_effects(told, varied, SETTINGS),
    }
    if len(varied) > 1:
        tables["interactions"] = sweeps.measure_interactions(told, varied, SETTINGS)
    arrays = {"series": {name: rows.astype("f4") for name, rows in series.items()}}
    arrays |= {"changes": followed.changes(), "power": followed.power}
    settings = {
        "vary": [x._asdict() | {"moved": interpolate.moved(x, ends)} for x in varied],
        "ends": ends, "n_bases": n_bases, "target": "out", "slice_len": 16384,
        "sample_rate_hz": 16000, "statistics": {"confidence": 0.95},
        "layers": layers_table(every).to_dict("records"),
    }  # fmt: skip
    return Result("interpolate", settings, tables, arrays)


def values_of_duration(result):
    values = result.tables["values"]
    return values[(values["layer"] == "out") & (values["measure"] == "duration")]


def panel_of(figure, title):
    (axis,) = [axis for axis in figure.axes if axis.get_title(loc="left").startswith(title)]
    return axis


def names_of(latent, n_bases=1):
    kinds = ("time_value_{}", "dose_response_{}", "dose_response_{}_layers", "effects_{}")
    lines = {f"interpolation_{latent}_base{base:04d}" for base in range(n_bases)}
    return lines | {kind.format(latent) for kind in (*kinds, "change_{}")}


def test_each_sweep_and_base_has_its_figures_and_a_grid_its_interactions():
    assert set(made({"z11": [-5, 0, 5]}).figures) == names_of("z11")
    grid = made({"z11": [-15, 0, 15], "c2": [0.5, 1]}, n_bases=5)
    assert set(grid.figures) == names_of("z11", 4) | names_of("c2", 4) | {"interactions_z11_c2"}
    assert "interactions" not in grid.figure("interactions_z11_c2").get_suptitle()
    figure = grid.figure("interpolation_z11_base0001")
    assert "Base 1 of 5" in figure.get_suptitle() and "c2 = 0.5" in figure.get_suptitle()
    assert "z11 = -15" in grid.figure("interpolation_c2_base0001").get_suptitle()
    assert "values of c2" in grid.figure("time_value_z11").get_suptitle()
    series = grid.arrays["series"]["conv1"][[6, 8, 10]]  # base 1: 6 .. 11, c2 the faster
    order = np.argsort(-np.mean(series**2, axis=1))  # the strongest first
    for line, row in zip(panel_of(figure, "Conv1").lines, series[order], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), row)


def test_every_figure_of_nine_layers_fits_a_page_and_names_each():
    result = made({"z11": [-15, -1, 5]}, n_bases=3, layers=9)
    for name, draw in figures.drawings(result).items():
        figure = draw()
        width_in, height_in = figure.get_size_inches()
        assert width_in <= style.WIDTH_IN and height_in <= style.HEIGHT_IN + 1e-6, name
        if name != "dose_response_z11":
            written = said(figure)
            assert all(f"Conv{i}" in written for i in range(1, 10)), name


@pytest.mark.parametrize(
    "given, ends",
    [
        ({"z11": [-15, 0, 5], "c2": [0, 1], "z12": [0, 1]}, None),
        ({"t": np.linspace(0, 1, 5)}, ("c1=1,z11=-15,z12=3,z14=5", "c2=1,z11=15,z12=-3,z14=-5")),
    ],
)
def test_no_title_is_cut_at_the_ends(given, ends):
    result = made(given, n_bases=15, layers=2, ends=ends)
    for name in result.figures:
        if not name[-1].isdigit() or name.endswith("base0000"):
            figure = result.figure(name)
            renderer = FigureCanvasAgg(figure).get_renderer()
            titles = [figure._suptitle, *(axis._left_title for axis in figure.axes)]
            for title in titles + [axis.xaxis.label for axis in figure.axes]:
                box = title.get_window_extent(renderer)
                assert 0 <= box.x0 and box.x1 <= figure.bbox.x1, (name, title.get_text())


def test_of_many_steps_an_evenly_spaced_choice_is_drawn_and_said():
    figure = made({"z11": np.linspace(-25, 25, 101)}).figure("interpolation_z11_base0000")
    assert "(40 of 101 steps)" in figure.get_suptitle()
    assert len(panel_of(figure, "Out").lines) == 40


def test_between_two_vectors_nothing_is_called_training_range():
    result = made({"t": np.linspace(0, 1, 5)}, ends=("c1=1", "c2=1"))
    everything = " ".join(said(draw()) for draw in figures.drawings(result).values())
    assert "t (0: c1=1, 1: c2=1)" in everything and "rom c1=1 to c2=1" in everything
    assert "training range" not in everything


def test_the_time_axis_is_cut_fifty_ms_after_the_last_sound_of_any_step():
    out = np.zeros((2, 16384), np.float32)
    assert figures.silence_from_s(out, 1.024) == 1.024
    out[0, :4800] = 1  # 0.3 s
    out[1, :8000] = 0.1  # 0.5 s
    out[1, 8000:] = 0.001
    assert figures.silence_from_s(out, 1.024) == pytest.approx(0.55)


def test_the_image_places_uneven_and_unordered_values_and_means_power_over_bases():
    result = made({"z11": [5, -15, 0, 1]}, n_bases=2)
    mesh = panel_of(result.figure("time_value_z11"), "Out").collections[0]
    edges = mesh.get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(edges, [-22.5, -7.5, 0.5, 3, 7])
    out = result.arrays["series"]["out"].astype(float).reshape(2, 4, 256, 64)
    power = np.mean(out**2, axis=(0, 3))[[1, 2, 3, 0]]
    level = np.maximum(10 * np.log10(power / power.max()), -80)
    np.testing.assert_allclose(np.asarray(mesh.get_array()), level, atol=1e-3)
    times_s = mesh.get_coordinates()[0, :, 0]
    loud = (level[-1] > -20) & (times_s[:-1] < 0.35)
    np.testing.assert_allclose(times_s[:-1][loud][[0, -1]], BURST_S, atol=0.005)


def test_responses_show_the_mean_its_interval_and_how_many_bases_have_the_measure():
    result = made({"z11": [-15, -5, 0, 10]}, n_bases=8)
    axes = result.figure("dose_response_z11").axes
    row = [axis.get_ylabel() for axis in axes].index("Voiced")
    share, duration = axes[row : row + 2]
    assert [text.get_text() for text in duration.texts] == ["4", "8", "8", "8"]
    values = values_of_duration(result)
    lines = values.pivot_table("value", values["output"] // 4, values["output"] % 4)
    np.testing.assert_allclose(duration.lines[-1].get_ydata(), lines.mean())
    assert len(duration.lines) == 8 + 1
    band = duration.collections[0].get_paths()[0].vertices[:, 1]
    low, high = stats.t.interval(0.95, 7, lines[2].mean(), stats.sem(lines[2]))
    assert np.abs(band - low).min() < 0.1 * (high - low) > np.abs(band - high).min()
    np.testing.assert_allclose(share.lines[-1].get_ydata(), [0.5, 1, 1, 1])
    shaded = [patch for patch in duration.patches if isinstance(patch, Rectangle)]
    assert [(patch.get_x(), patch.get_width()) for patch in shaded] == [(-1, 2)]


def test_in_a_grid_a_base_has_the_mean_over_the_other_sweep():
    result = made({"z11": [1, 2, 3], "c1": [0, 1]}, n_bases=2)
    values, run = values_of_duration(result), figures.Interpolation(result)
    grid = np.full(12, np.nan)
    grid[values["output"]] = values["value"]
    grid = grid.reshape(2, 3, 2)  # base 1 has no voice at 1
    expected = grid.mean(axis=2)
    assert np.isnan(expected[1, 0]) and np.isfinite(expected).sum() == 5
    np.testing.assert_allclose(run.lines(values, 0), expected)
    np.testing.assert_allclose(run.lines(values, 1), np.nanmean(grid, axis=1))


def frames_of(figure):
    return [patch for axis in figure.axes if axis.images for patch in axis.patches]


def test_effects_are_coloured_by_their_interval_and_framed_where_they_are_shown():
    result = made({"z11": [-5, 0, 5]}, n_bases=6, layers=2)
    rows = result.tables["effects"]
    figure = result.figure("effects_z11")
    axes = [axis for axis in figure.axes if axis.images]
    assert len(frames_of(figure)) == (rows["p_holm"] < 0.05).sum() > 0  # of the number in it
    assert {frame.get_linestyle() for frame in frames_of(figure)} <= {"-", "solid"}
    assert "controls" not in said(figure)
    bold = [x for axis in axes for x in axis.texts if x.get_fontweight() == "bold"]
    assert len(bold) == len(frames_of(figure))
    drawn = np.ma.concatenate([axis.images[0].get_array().ravel() for axis in axes]).compressed()
    value, low, high = rows[["estimate", "low", "high"]].to_numpy().T
    arm = np.where(value > 0, value - low, high - value)
    there = arm > 0
    np.testing.assert_allclose(np.sort(drawn), np.sort(value[there] / arm[there]))


def test_what_changes_more_than_controls_has_a_solid_frame_and_what_does_not_a_dashed_one():
    result = made({"z11": [-5, 0, 5]}, n_bases=6)
    rows = result.tables["effects"]
    rows[["p_holm", "verdict", "ends", "n_controls"]] = 1.0, "no change shown", False, 20
    more = "changes, more than controls"
    rows.loc[:4, "verdict"] = [more, "changes, as controls do", "changes", more, more]
    rows.loc[:3, "p_holm"] = 0.01
    rows.loc[:2, "ends"] = True  # of row 3 controls differ as much, of row 4 the middle changes
    figure = result.figure("effects_z11")
    solid = [frame.get_linestyle() in ("-", "solid") for frame in frames_of(figure)]
    assert sorted(solid) == [False, False, False, True]
    words = " ".join(said(figure).split())
    assert "rises again has no frame" in words and "solid where more than controls" in words


def test_differences_of_one_base_stand_in_brackets_without_colour():
    axes = [x for x in made({"z11": [-5, 0, 5]}).figure("effects_z11").axes if x.images]
    texts = [text.get_text() for axis in axes for text in axis.texts]
    assert texts and all(text == "–" or text[0] + text[-1] == "()" for text in texts)
    assert all(np.ma.count(axis.images[0].get_array()) == 0 for axis in axes)


def test_changes_mark_the_regions_of_spikes_and_their_shares():
    result = made({"z11": [-5, 0, 5]}, n_bases=4, layers=2)
    spikes = result.tables["spikes"]
    spikes = spikes[spikes["layer"] == "conv2"]
    axis = panel_of(result.figure("change_z11"), "Conv2")
    shaded = sorted((p.get_x(), p.get_x() + p.get_width()) for p in axis.patches)
    np.testing.assert_allclose(shaded, sorted(spikes[["start_s", "end_s"]].to_numpy().tolist()))
    share = f"{100 * spikes['share'].max():.0f} %"
    assert share in [text.get_text() for text in axis.texts]
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), result.arrays["changes"]["z11/conv2"])


def test_silent_and_undefined_series_can_be_drawn(tmp_path):
    result = made({"z1": [0, 1]})
    for x in result.arrays["power"].values():
        x[:] = 0
    for group in ("series", "changes"):
        for name, x in result.arrays[group].items():
            x[:] = 0 if name.endswith("out") else np.nan
    assert "change_z1" not in result.figures
    for name in result.figures:
        style.save_png(result.figure(name), tmp_path / "figure.png", dpi=20)
