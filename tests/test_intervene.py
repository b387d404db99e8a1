"""Interventions on Generators with a known path, runs, their words and figures."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.intervene import (
    LEVELS,
    Cell,
    Ends,
    Options,
    make_cells,
    run,
    scan_tables,
)
from wavegan_tf.experiments.result import Result, load_run
from wavegan_tf.latents import apply_settings, sample_latents
from wavegan_tf.model import Model, load
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.stats.effects import holm, paired_t
from wavegan_tf.stats.resampling import StatisticsSettings

CELLS = ["conv3 maps 2,3", "conv4 gain", "conv4 window 0.1-0.6"]
CONDITIONS = ["from", "to", *CELLS, *(f"{cell} of another" for cell in CELLS)]
QUICK = {
    "praat": PraatSettings(f0_floor_hz=200, hnr_min_pitch_hz=200),
    "intervals": IntervalSettings(voicing_floor_hz=200),
    "jobs": 1,
}


def model_of(config):
    networks = build_networks(config, letters="G")
    return Model(Opened(config, networks, 0, "made", None))


@pytest.fixture(scope="module")
def tiny():
    """A Generator of 8, 4, 2 and 1 maps, for tests that leave its weights alone."""
    return model_of(ModelConfig(dim=1))


@pytest.fixture(scope="module")
def ciwgan(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


def ends_of(model, n=3, by="other", z11=5):
    start = sample_latents(model.config, n, seed=5)
    end = apply_settings(start, {"z11": z11}, model.config)
    return Ends(model, start, end if by == "other" else None, by, 1500)


def test_chosen_maps_or_a_stretch_are_the_others_and_no_further():
    own, donor = np.random.default_rng(0).random([2, 2, 5, 3])
    replaced = Cell("conv1", "maps", (1, 3)).apply(own, donor, 10)
    assert (replaced[..., [0, 2]] == donor[..., [0, 2]]).all()
    assert (replaced[..., 1] == own[..., 1]).all()
    # at 10 Hz samples stand at 0.05, 0.15, .. 0.45 s
    replaced = Cell("conv1", "window", (), 0.15, 0.35).apply(own, donor, 10)
    assert (replaced[:, 1:3] == donor[:, 1:3]).all()
    assert (replaced[:, [0, 3, 4]] == own[:, [0, 3, 4]]).all()


def test_a_whole_layer_gives_the_other_output_and_nothing_replaced_the_same(reference):
    ends = ends_of(load(reference / "checkpoints" / "wavegan_65536_postfilter"))
    batch = next(ends.batches())
    found = pd.DataFrame(ends.check(batch))
    inner = [layer for layer in batch.own if layer != "out"]
    assert {"pre_filter", "fc"} <= {*inner}
    assert list(found["layer"]) == list(np.repeat(inner, 2))
    assert list(found["patch"]) == len(inner) * ["none", "whole"]
    assert found["max_difference"].max() <= 1e-5
    assert np.abs(batch.own["out"] - batch.donor["out"]).max() > 1e-3
    batch.donor["conv3"][1] += 1
    with pytest.raises(RuntimeError, match="conv3, whole replaced: differs by"):
        ends.check(batch)


def test_silencing_every_map_of_the_last_layer_leaves_the_bias():
    model = model_of(ModelConfig(dim=2))
    model.generator.upconv_4.conv.bias.assign([0.3])
    ends = ends_of(model, by=0.0)
    start, silenced = ends.outputs(next(ends.batches()), [Cell("conv4", "maps", (1, 2))])
    np.testing.assert_allclose(silenced, np.tanh(0.3), rtol=1e-6)
    assert np.ptp(start) > 1e-3
    model.generator.upconv_4.conv.bias.assign([math.nan])
    with pytest.raises(InputError, match="--from: the outputs of the Generator have NaN or inf"):
        next(ends.batches())


def test_the_mean_over_outputs_is_over_all_of_them(tiny):
    ends = ends_of(tiny, n=20, by="mean")
    whole = tiny.generator(ends.start)["conv2"].numpy().mean(axis=0)
    for batch, size in zip(ends.batches(), [16, 4], strict=True):
        np.testing.assert_allclose(batch.donor["conv2"], np.stack(size * [whole]), atol=1e-6)


def test_an_output_does_not_depend_on_how_many_there_are(tiny):
    few, many = (
        ends.outputs(next(ends.batches()), [Cell("conv2", "gain")])[2][:3]
        for ends in (ends_of(tiny, n) for n in (3, 20))
    )
    np.testing.assert_array_equal(few, many)


def test_the_control_is_the_other_output_of_the_next_base(tiny):
    cell, ends = Cell("conv3", "maps", (1, 2)), ends_of(tiny, n=18)  # all of its maps
    made = [ends.outputs(batch, [cell]) for batch in ends.batches()]
    own, control = (np.concatenate([outputs[k] for outputs in made]) for k in (2, 3))
    expected = tiny.generator(np.roll(ends.end, -1, axis=0))["out"].numpy()
    np.testing.assert_allclose(control, expected, atol=1e-5)
    assert np.abs(control - own).max(axis=(1, 2)).min() > 1e-4


class IdleMaps:
    """Ends whose maps change the output by chance alone, each by what is drawn for it and base."""

    places = [slice(0, 20)]

    def __init__(self, seed):
        self.noise = 0.2 * np.random.default_rng(seed).standard_normal([64, 20])

    def batches(self):
        yield SimpleNamespace(here=self.places[0], donor=None)

    def reference(self, batch):
        return SimpleNamespace(measure=lambda change, measures: {"rms": change})

    def patched(self, cell, batch, donor):
        return self.noise[np.array(cell.maps) - 1].sum(axis=0)


def test_idle_maps_bring_about_nothing_together_however_they_are_ordered():
    layer, start = SimpleNamespace(name="conv1", channels=64), np.zeros(20)
    shares = []
    for seed in range(8):
        found = Ends.scan(IdleMaps(seed), layer, "rms", start, start + 1)
        maps, _ = scan_tables({"conv1": found}, "rms", None, StatisticsSettings(n_resamples=100))
        assert (maps["n"] == 20).all() and (maps["n_cumulative"] == 10).all()
        best = found["cumulative"][31]  # of the maps that did most in the bases 0, 2, ..
        assert best[::2].mean() > 1
        ordered = maps.sort_values("rank")["cumulative"].to_numpy()
        shares.append(ordered[31])
        np.testing.assert_allclose(ordered, found["cumulative"][:, 1::2].mean(axis=1))
    assert abs(np.mean(shares)) < 0.4


def scanned(ends, measure):
    """What the scan of conv3 finds."""
    levels = [ends.levels(batch, ends.outputs(batch, []), []) for batch in ends.batches()]
    start, end = np.concatenate(levels)[:, :, LEVELS.index(measure)].T
    return ends.scan(ends.model.config.layers[2], measure, start, end)


def test_the_scan_finds_the_one_map_that_carries_an_effect():
    model = model_of(ModelConfig(dim=4))
    kernel = model.generator.upconv_3.conv.kernel  # [taps, out, in]
    kernel.assign(kernel * tf.one_hot([5], 8))  # of conv3 nothing but map 6 is read
    found = scanned(ends_of(model, n=5, z11=15), "waveform")
    assert found["from"].min() > 0 and (found["to"] == 0).all()
    assert found["order"][0] == 6 and sorted(found["order"]) == list(range(1, 9))
    maps, needed = scan_tables({"conv3": found}, "waveform", None, StatisticsSettings())
    np.testing.assert_allclose(maps["estimate"], np.arange(8) == 5, atol=1e-6)
    np.testing.assert_allclose(maps["cumulative"], 1, atol=1e-6)
    assert list(needed["n_maps"]) == [1, 1, 1] and list(needed["share"]) == [0.5, 0.8, 0.95]


@pytest.fixture(scope="module")
def intervened(ciwgan, tmp_path_factory):
    """A run of 5 bases, 8 conditions and a scan of the last layer, saved and loaded again."""
    directory = str(tmp_path_factory.mktemp("intervened"))
    options = Options(
        from_="c1=1", to="c2=1", n=5, layers="conv4", patch=("gain", "scan"), audio=True,
        maps=("conv3:2,3",), window_s=("0.1,0.6",), **QUICK,
    )  # fmt: skip
    result = run(ciwgan, options, directory)
    result.save(directory, figures=False, page=False)
    return result, directory


def test_outputs_stand_base_by_base_under_every_condition(intervened):
    result, _ = intervened
    design, latents = result.table("design"), result.table("latents")
    assert list(design["condition"]) == 5 * CONDITIONS
    assert list(design["base"]) == [i // 8 for i in range(40)]
    assert list(latents["output"]) == [8 * base + k for base in range(5) for k in (0, 1)]
    assert latents[["c1", "c2"]].to_numpy().tolist() == 5 * [[1, 0], [0, 1]]
    assert latents["z5"].nunique() == 5 and len(result.table("outputs")) == 40
    checks = result.table("checks")
    assert list(checks["layer"][::2]) == ["fc", *(f"conv{i}" for i in range(1, 5))]
    assert len(checks) == 10


def reached(sounds, window):
    """The share of the waveform at the best gain of all, or of the window that was replaced."""
    gaps = np.zeros(5)
    for base, (own, other) in enumerate(sounds[:, :2]):
        time_s = (np.arange(len(own)) + 0.5) / 16000
        some = (time_s >= 0.1) & (time_s < 0.6) if window else time_s >= 0
        gain = max(0, np.linalg.lstsq(own[some, None], other[some], rcond=None)[0][0])
        gaps[base] = np.mean((np.where(some, gain, 1) * own - other) ** 2)
    return 1 - gaps.sum() / np.mean((sounds[:, 0] - sounds[:, 1]) ** 2, axis=1).sum()


def test_shares_are_what_the_sounds_say(intervened):
    from scipy.io import wavfile

    result, directory = intervened
    paths = [f"{directory}/audio/{i:04d}_out.wav" for i in range(40)]
    sounds = np.array([wavfile.read(path)[1] for path in paths], np.float64).reshape(5, 8, -1)
    gaps = np.mean((sounds - sounds[:, 1:2]) ** 2, axis=2).sum(axis=0)  # [conditions]
    levels = 10 * np.log10(np.var(sounds, axis=2))
    means, p = levels.mean(axis=0), paired_t(levels[:, 1] - levels[:, 0])
    for k, part in enumerate(("maps", "gain", "window"), start=2):
        table = result.table("interventions")
        table = table[table["patch"] == part].set_index("measure")
        waveform, rms = table.loc["waveform"], table.loc["rms"]
        expected = [*(1 - gaps[[k, k + 3]] / gaps[0]), reached(sounds, part == "window")]
        found = waveform[["estimate", "control", "scaled"]]
        assert list(found) == pytest.approx(expected, rel=1e-4)
        assert waveform["low"] <= expected[0] <= waveform["high"]
        found = rms[["from_mean", "to_mean", "patched_mean"]]
        assert list(found) == pytest.approx(list(means[[0, 1, k]]), rel=1e-5)
        assert rms["change"] == pytest.approx(means[k] - means[0], abs=1e-4)
        assert rms["p"] == pytest.approx(p, rel=1e-3)
        np.testing.assert_allclose(table["p_holm"], holm(table["p"].to_numpy()))


def test_a_loaded_run_says_and_draws_the_same(intervened, tmp_path, drawn):
    result, directory = intervened
    again = load_run(directory)
    assert again.summary() == result.summary() and again.terminal() == result.terminal()
    assert "carries all of the effect by construction" in again.summary()
    again.draw(tmp_path)
    assert list(drawn) == ["shares", "windows", "curves", "scan"]


def test_figures_show_the_shares_of_the_tables(intervened):
    result, _ = intervened
    rows, maps = result.table("interventions"), result.table("maps")
    window = rows["patch"] == "window"
    heat = result.figure("windows").axes[0].images[0].get_array()
    assert heat.tolist() == [list(rows[window & rows["measure"].eq("waveform")]["estimate"])]
    curve = result.figure("curves").axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(curve, [0, *maps.sort_values("rank")["cumulative"]])


def test_what_a_part_does_more_than_a_control_is_marked_where_it_is_shown(intervened):
    result, _ = intervened
    rows = result.table("interventions").copy()
    told = rows["measure"].eq("waveform") & rows["patch"].eq("gain")
    rows["p_specific_holm"] = np.where(told, 0.04, 0.2)
    rows["specific"], rows["specific_low"], rows["specific_high"] = -0.2, -0.3, -0.1
    tables = result.tables | {"interventions": rows}
    made = Result("intervene", result.settings, tables)
    control = (
        made.summary()
        .split("The same with the part from the output of another")[1]
        .split("\n\n")[1]
    )
    assert control.count("]-") == 1 and "]+" not in control
    strict = result.settings | {"statistics": {"confidence": 0.99}}
    assert "]-" not in Result("intervene", strict, tables).summary()


def test_a_map_that_is_silenced_is_told_as_a_change(ciwgan):
    result = run(ciwgan, Options(by="0", n=1, maps=("conv4:1,2",), patch=(), **QUICK))
    assert list(result.table("outputs")["measured"]) == [True, False]  # a constant output
    rows = result.table("interventions").set_index("measure")
    assert rows.loc["rms", "patched_mean"] == -100
    assert rows.loc["rms", ["to_mean", "effect", "estimate"]].isna().all()
    assert set(rows.loc[["waveform", "shape", "spectrum"], "verdict"]) == {""}
    assert set(rows["verdict"]) == {"", "too few"}
    assert result.terminal().startswith("parts silenced\n\nChange against the untouched output")
    assert result.figures == ["changes"] and "maps" not in result.tables


def test_cells_come_layer_by_layer_with_names_that_tell_them_apart():
    config = ModelConfig(dim=4)
    options = Options(
        patch=("rest", "gain"), maps=("conv3:2,7", "conv1:1"), window_s=("0:0.4:0.2",)
    )
    cells = make_cells(options, config.layers[1:2], config)
    assert [cell.name for cell in cells] == [
        "conv1 maps 1", "conv2 gain", "conv2 rest", "conv2 window 0-0.2", "conv2 window 0.2-0.4",
        "conv3 maps 2,7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": "out"}, "--layers=out: there is no layer 'out'"),
        ({"maps": ["conv3:9"]}, "conv3 has 8 maps; name each once, by its number from 1 to 8"),
        ({"maps": ["out:1"]}, "--maps=out:1: expected LAYER:MAPS, .*; layers .* are fc, conv1"),
        ({"by": "nan"}, "--by=nan: must be other, mean, or a factor of 0 or more"),
        ({"by": "1"}, "changes nothing"),
        ({"window_s": ["0.5,1.2"]}, "within the output, 0 .. 1.024"),
        ({"window_s": ["0.1"]}, "expected START,END or START:END:STEP"),
        ({"window_s": ["0:1:0.3"]}, "steps of 0.3 from 0 miss 1"),
        ({"window_s": ["0.01,0.02"]}, "conv1 has no sample in 0.01 .. 0.02"),
        ({"patch": ("half",)}, "there is no part 'half'; choose from average"),
        ({"from_": "c1=1", "to": "c1=1,c2=0"}, "give the same latent vectors, so there is no"),
        ({"by": "0", "to": "z11=15"}, "--to=z11=15: has no meaning with --by=0"),
        ({"by": "0", "scan_by": "shape"}, "--scan_by=shape: .*leave it out"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options, words):
    model = model_of(ModelConfig(model="ciwgan", num_categ=4, dim=4))
    with pytest.raises(InputError, match=words):
        run(model, Options(n=1, **options))
