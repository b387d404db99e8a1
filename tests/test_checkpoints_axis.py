"""Several models: how they are named and opened, and what probe says of them side by side."""

import itertools
import os
import re
import shutil

import numpy as np
import pandas as pd
import planted_checkpoints as planted
import pytest
import scipy
from absl import flags
from conftest import SHORT_WINDOWS, said
from matplotlib.collections import LineCollection

import wavegan_tf as wg
from wavegan_tf.checkpoints.files import write_checkpoint
from wavegan_tf.checkpoints.open import list_checkpoints
from wavegan_tf.commands import run
from wavegan_tf.commands.flags import parse
from wavegan_tf.experiments import checkpoints, probe
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.stats import models as stats
from wavegan_tf.stats.correlate import CONTROL_COLUMNS, ENCODED, judge
from wavegan_tf.stats.curves import compare
from wavegan_tf.stats.effects import holm
from wavegan_tf.stats.resampling import StatisticsSettings

GIVEN, LEAST = {"model": "ciwgan"}, StatisticsSettings(min_outputs=3)


@pytest.fixture(scope="module")
def training(reference, tmp_path_factory):
    """A run directory of the original with checkpoints of steps 5, 20 and 20 and a bit."""
    folder, source = tmp_path_factory.mktemp("a,b") / "digits", reference / "checkpoints" / "ciwgan"
    opened = wg.load(source, **GIVEN)
    values = {name: opened.file.read(name) for name in opened.file.shapes}
    for step, updates in ((20, 0), (5, 0), (20, 1)):
        values["global_step"] = np.int64(step)
        write_checkpoint(str(folder), values, step, updates=updates)
    shutil.copy(source / "args.txt", folder)
    return folder


def open_models(*words):
    """What the flags of probe open."""
    before = set(flags.FLAGS)
    try:
        groups, _ = run._command("probe")
        parse(["--model=ciwgan", *words], "probe", "", groups)
        return run.open_models()
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)


def test_all_checkpoints_come_in_the_order_of_steps_with_names_of_their_own(training):
    models = wg.Models(list_checkpoints(str(training)), **GIVEN)
    assert models.steps == [5, 20, 20] and len(models) == 3
    assert models.names == ["digits-5", "digits-20", "digits-20+1"]
    assert models.trainings == ["digits"] * 3 and models.groups == [""] * 3
    assert [model.step for _, model in models] == models.steps


def test_folders_of_one_name_are_told_apart(training, tmp_path):
    other = tmp_path / "thai" / "digits"
    shutil.copytree(training, other)
    paths = [training / "model.ckpt-5", other / "model.ckpt-5", wg.load(training, **GIVEN)]
    models = wg.Models(paths, **GIVEN)
    assert models.names[1] == "thai/digits-5" and len(set(models.names)) == 3
    assert models.open(2) is paths[2]


def test_a_folder_is_the_checkpoint_that_was_its_newest(training, tmp_path):
    other = tmp_path / "growing"
    shutil.copytree(training, other)
    models = wg.Models([other, training / "model.ckpt-5"], **GIVEN)
    newest = wg.load(training, **GIVEN)
    values = {name: newest.file.read(name) for name in newest.file.shapes}
    write_checkpoint(str(other), values | {"global_step": np.int64(99)}, 99)
    assert models.open(0).step == models.steps[0] == 20


@pytest.mark.parametrize(
    ("paths", "groups", "words"),
    [
        (["model.ckpt-5"], (), "one checkpoint has nothing"),
        (["model.ckpt-5", "model.ckpt-5.index"], (), "given twice"),
        (["", "model.ckpt-20+1"], (), "given twice"),
        (["model.ckpt-5", "model.ckpt-20"], ("a",), "1 groups of 2"),
        (["model.ckpt-5", "model.ckpt-20"], ("a", "a"), "one group"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(training, paths, groups, words):
    with pytest.raises(wg.InputError, match=words):
        wg.Models([training / path for path in paths], groups, **GIVEN)


def test_flags_name_several_and_a_comma_may_be_in_a_path(training, tmp_path):
    one = str(training / "model.ckpt-5")  # its folder has a comma
    assert open_models(f"--ckpt={one}").step == 5
    assert open_models(f"--ckpt={training}", "--all_checkpoints").steps == [5, 20, 20]
    plain = shutil.copytree(training, tmp_path / "thai")
    paths = f"--ckpt={plain}/model.ckpt-5, {plain}/model.ckpt-20"
    assert open_models(paths, "--groups=a,b").groups == ["a", "b"]
    other = shutil.copytree(training, tmp_path / "english")
    models = open_models(f"--ckpt={plain},{other}", "--all_checkpoints", "--groups=thai,english")
    assert models.groups == ["thai"] * 3 + ["english"] * 3
    with pytest.raises(wg.InputError, match="no checkpoint in it"):
        open_models(f"--ckpt={os.path.dirname(plain)}", "--all_checkpoints")
    with pytest.raises(wg.InputError, match="--groups: there is one"):
        open_models(f"--ckpt={one}", "--groups=a,b")


def test_files_of_the_port_are_checkpoints_too(reference, tmp_path):
    for path in (reference / "torch" / "ciwgan").glob("epoch15_step150_*.pt"):
        for name in ("epoch9_step90", "epoch15_step150"):
            shutil.copy(path, tmp_path / path.name.replace("epoch15_step150", name))
    models = wg.Models(list_checkpoints(str(tmp_path)), **GIVEN)
    assert models.steps == [90, 150] and models.names[0] == f"{tmp_path.name}-90"


def test_probe_of_several_end_to_end(training, tmp_path, run_script):
    out = tmp_path / "out"
    result = run_script(
        "probe.py", f"--ckpt={training}", "--all_checkpoints", "--n=1", "--layers=conv4",
        "--controls=1", "--nofigures", "--jobs=1", *SHORT_WINDOWS, f"--out_dir={out}",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("1 random networks") == 1  # once for all models
    loaded, names = wg.load_run(out), ["digits-5", "digits-20", "digits-20+1"]
    assert loaded.kind == "checkpoints" and loaded.settings["command"] == "probe"
    assert loaded.tables["points"]["model"].unique().tolist() == names
    assert len(loaded.tables["latents"]) == 1 and loaded.tables["controls"]["model"].nunique() == 1
    files = {path.name for path in out.iterdir()}
    assert files == {"columns.csv", "config.json", "summary.md", "report.html", "tables"}
    assert "digits-20+1" in (out / "report.html").read_text()
    assert loaded.summary() == (out / "summary.md").read_text()


@pytest.mark.parametrize(
    ("other", "options", "words"),
    [
        ({"latent_dim": 50}, {}, "p-1 has latent_dim 100, but p-2 has 50"),
        ({"model": "fiwgan", "num_categ": 2}, {}, "p-1 has model wavegan, but p-2 has fiwgan"),
        ({}, {"shard": "1/2"}, "--shard=1/2: is only for one checkpoint"),
    ],
)
def test_models_that_cannot_be_asked_alike_are_refused(other, options, words):
    models = [planted.checkpoint(0, k, (), "p", **(other if k > 1 else {})) for k in (1, 2)]
    with pytest.raises(wg.InputError, match=words):
        wg.probe(models, n=2, **options)


def test_a_training_is_one_unit():
    models = wg.Models([planted.checkpoint(0, k, (), "p") for k in (1, 2)], ["early", "late"])
    with pytest.raises(wg.InputError, match="of p are in two groups"):
        wg.probe(models, n=2)
    with pytest.raises(wg.InputError, match="interpolate takes one checkpoint, not 2"):
        wg.interpolate(models, vary=("z1=-1,1",))


@pytest.fixture(scope="module")
def found():
    """A planted series: Conv3 has F0 from step 200 on, beside networks that have none."""
    patch = pytest.MonkeyPatch()
    z = np.random.default_rng(0).normal(0, 0.1, 10)
    rows = [
        (k + 1, 1, "voiced", "f0", "Hz", layer, *[x] * 3, 0.2, 80, 8)
        for k, x in enumerate(z) for layer in ("conv3", "conv4")
    ]  # fmt: skip
    controls = pd.DataFrame(rows, columns=CONTROL_COLUMNS)
    patch.setattr(probe, "measure_controls", lambda *_: controls.copy())
    yield planted.series(0, 1, n=6, off=0)
    patch.undo()


def test_a_planted_layer_is_found_from_its_checkpoint_on(found):
    assert not list(planted.wrong(found, 1))
    row = found.tables["onsets"].query("measure == 'f0' and layer == 'conv3'").iloc[0]
    assert (row["verdict"], row["from_step"], row["n_shown"]) == (stats.FROM, 200, 2)
    assert "planted, voiced: F0: at Conv3 encoded from step 200 on." in found.summary()
    assert re.search(r"F0 +200 +\u2013", found.terminal())


def test_p_is_corrected_over_all_checkpoints_together(found):
    table = found.tables["correlations"]
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    alone = judge(table[table["model"] == "planted-400"], StatisticsSettings())
    assert (table["p_holm"].min() > alone["p_holm"].min()) and (alone["verdict"] == ENCODED).any()


def test_what_is_known_at_one_step_alone_is_not_drawn_as_shown(found):
    table = found.tables["correlations"].query("statistic == 'pearson'")
    lone = table["estimate"].where(table["model"] == "planted-200")
    tables = found.tables | {"correlations": table.assign(estimate=lone, verdict="as random")}
    figure = wg.Result("checkpoints", found.settings, tables).figure("steps_voiced")
    dots = [x for axis in figure.axes for x in axis.lines if x.get_marker() in ("o", ".")]
    dots = [x for x in dots if np.isfinite(x.get_ydata()).any()]
    assert dots and {x.get_markerfacecolor() for x in dots} == {"white"}


def test_figures_show_steps_and_mark_what_is_shown(found):
    figure = found.figure("steps_voiced")
    assert "Training step" in said(figure) and "Conv3" in said(figure)
    assert len(figure.axes) > 1 and all(x.get_title("left") for x in figure.axes)
    marked = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert marked[0].get_xdata().tolist() == [200, 400]
    assert "models_voiced" not in found.figures  # of one training
    few = found.tables["correlations"].assign(verdict="too few")
    assert not wg.Result(
        "checkpoints", found.settings, found.tables | {"correlations": few}
    ).figures


def test_a_point_without_neighbours_has_a_marker_and_a_bar():
    x, y = np.arange(3), np.array([np.nan, 0.5, np.nan])
    figure = draw_panels([Panel("", [Line("", x, y, y - 0.1, y + 0.2)])], "", "")
    bars = [each for each in figure.axes[0].collections if isinstance(each, LineCollection)]
    np.testing.assert_allclose(bars[0].get_segments(), [[[1, 0.4], [1, 0.7]]])


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["encoded"] * 3, (stats.ALWAYS, 1, 3)),
        (["as random", "encoded", "encoded"], (stats.FROM, 2, 2)),
        (["encoded", "as random", "encoded"], (stats.FROM, 3, 2)),
        (["encoded", "encoded", "not judged"], (stats.FORMER, np.nan, 2)),
        (["as random"] * 3, (stats.NOT_SHOWN, np.nan, 0)),
        (["encoded", "inverse", "inverse"], (stats.FROM, 2, 2)),
        (["encoded", None, "encoded"], (stats.FROM, 3, 2)),
    ],
)
def test_onsets_are_of_every_later_checkpoint(verdicts, expected):
    key = {"channel": 1, "label": "voiced", "measure": "f0", "unit": "Hz", "layer": "conv1"}
    rows = [key | {"model": f"m{k}", "verdict": x} for k, x in enumerate(verdicts, 1) if x]
    series = {"m": [(f"m{k}", k) for k in (1, 2, 3)]}
    row = stats.find_onsets(pd.DataFrame(rows), series).iloc[0]
    np.testing.assert_equal((row["verdict"], row["from_step"], row["n_shown"]), expected)


def test_changes_are_of_r_on_the_bases_of_both():
    first, _, last = planted.made_models(3, {"conv1": 0.5}, last={"conv1": 0.95})
    last = last[last["output"] != 4]
    sums = [stats.base_moments(x, x[:0], np.arange(25), "out", {}) for x in (last, first)]
    row = stats.compare_models("b", "a", *sums, StatisticsSettings()).iloc[0]
    r = []
    for table in (last, first[first["output"] != 4]):
        wide = table.pivot(index=["output", "point"], columns="layer", values="value")
        r.append(wide.corr().loc["conv1", "out"])
    np.testing.assert_allclose([row["r"], row["r_reference"]], r)
    np.testing.assert_allclose(row["estimate"], np.arctanh(r[0]) - np.arctanh(r[1]))
    assert row["n_outputs"] == 24 and row["low"] < row["estimate"] < row["high"]
    assert row["p"] < 0.01 and row["low"] > 0


def test_a_model_whose_outputs_hardly_vary_gets_no_interval_and_no_p():
    rng, level = np.random.default_rng(0), np.arange(9.0)
    flat = np.where(level == 4, 0.9, 1.0)  # a share that is 1 in all outputs but one
    sums = []
    for target in (flat, level):
        points = planted.made_points(rng, level, {"conv1": 0.5})
        points.loc[points["layer"] == "out", "value"] = np.repeat(target, 10)
        sums.append(stats.base_moments(points, points[:0], np.arange(9), "out", {}))
    found = stats.compare_models("b", "a", *sums, StatisticsSettings(min_pairs=5))
    row = stats.judge_changes(found, StatisticsSettings()).iloc[0]
    assert row["n_outputs"] == 9 and np.isfinite(row["estimate"]) and row["verdict"] == "too few"
    assert np.isnan(row[["low", "p", "p_holm"]].astype(float)).all()


def test_last_is_compared_with_first_and_trainings_with_the_first_given():
    models = pd.DataFrame({"model": ["m1", "m2", "m3", "o"], "training": [*"mmmo"], "group": ""})
    models["step"] = [1, 2, 3, 1]
    assert checkpoints._pairs(models) == [("m3", "m1"), ("o", "m3")]
    assert checkpoints._pairs(models[1:3]) == [("m3", "m2")]  # m1 does not speak
    assert checkpoints._pairs(models.assign(group="x")) == [("m3", "m1")]


def test_a_checkpoint_that_does_not_speak_is_not_compared(found):
    failed = found.tables["health"].assign(verdict="passed")
    failed.loc[failed["model"] != "planted-400", "verdict"] = "failed"
    tables, models = found.tables | {"health": failed}, found.tables["models"]
    made = checkpoints._compare(tables, models, {}, StatisticsSettings())
    assert "changes" in found.tables and "changes" not in made


@pytest.mark.parametrize(
    ("p", "verdicts", "cell"),
    [
        ([0.1, 0.01], ["as random", "encoded"], "1"),
        ([0.1, 0.2], ["as random"] * 2, "0"),
        ([np.nan] * 2, ["few networks", "too few"], "\u2013"),
        ([0.1, np.nan], ["not judged", "too few"], "\u2013"),
    ],
)
def test_the_terminal_has_a_dash_where_nothing_was_tested(p, verdicts, cell):
    assert checkpoints._number_encoded(pd.DataFrame({"p": p, "verdict": verdicts})) == cell


@pytest.mark.parametrize("sizes", [(4, 3), (3, 3)])
def test_few_units_are_grouped_in_every_way_once(sizes):
    rng, group = np.random.default_rng(1), np.repeat([0, 1], sizes)
    curves = rng.standard_normal((len(group), 3)) + np.outer(group == 0, [2, 0, 0])
    found = compare(curves, group, LEAST)
    ways = [
        np.isin(range(len(group)), x) for x in itertools.combinations(range(len(group)), sizes[1])
    ]
    f = np.array([scipy.stats.f_oneway(curves[~way], curves[way]).statistic for way in ways])
    own = scipy.stats.f_oneway(curves[group == 0], curves[group == 1]).statistic
    expected = (f.max(axis=1)[:, None] >= own * (1 - 1e-9)).mean(axis=0)
    np.testing.assert_allclose(found.p, expected)
    assert found.least_p <= expected.min()


def test_groups_that_differ_are_found_and_equal_ones_are_not():
    assert not planted.wrong_of("apart", 0) and not planted.wrong_of("groups", 0)
    table = planted.made_groups(0, 2.0)
    assert table["p_least"].iloc[0] == pytest.approx(2 / 70)
    assert table["verdict"].iloc[0] == stats.HIGHER


def test_of_two_and_two_models_nothing_can_be_shown():
    table = planted.made_groups(0, 9.0, sizes=(2, 2))
    assert set(table["verdict"]) == {"too few"} and table["p_least"].iloc[0] == pytest.approx(1 / 3)
    result = wg.Result("checkpoints", {"statistics": {"confidence": 0.95}}, {"groups": table})
    [sentence] = checkpoints.sentences(result)
    assert sentence.startswith(
        "Nothing can be shown about thai and english: with 2 and 2 models the"
    )
