"""The probe: options, what it runs and computes, shards, and what the summary says."""

import json
import re
import shutil

import conftest
import numpy as np
import pandas as pd
import pytest
from made_probe import make_probe

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import probe
from wavegan_tf.experiments.probe import Options, merge, read_shard, run
from wavegan_tf.experiments.result import Result, load_run
from wavegan_tf.model import load
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.stats.resampling import StatisticsSettings

FAST = {
    "praat": PraatSettings(f0_floor_hz=200, hnr_min_pitch_hz=200, n_points=3),
    "intervals": IntervalSettings(voicing_floor_hz=200),
    "statistics": StatisticsSettings(n_resamples=100, n_shuffles=100, min_outputs=3),
    "jobs": 1,
}


@pytest.fixture(scope="module")
def model(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


@pytest.fixture(scope="module")
def probed(model):
    """A run of six latent vectors under two conditions."""
    conditions = ("c1=1", "c2=1")
    return run(model, Options(n=6, condition=conditions, layers="conv4", controls=1, **FAST))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, ["--n=0"]),
        ({"latents": "z.npy", "n": 3}, ["--latents", "leave out --n and --seed"]),
        ({"condition": ("c1=1",)}, ["--condition=c1=1", "another"]),
        ({"network": "q"}, ["--network=q", "--wav_dir"]),
        ({"network": "q", "wav_dir": ".", "n": 3}, ["--n: has no meaning", "--network=q"]),
        ({"wav_dir": "."}, ["--wav_dir: has no meaning", "--network=generator"]),
        ({"reduce": "median"}, ["--reduce=median"]),
        ({"network": "r"}, ["--network=r", "discriminator"]),
    ],
)
def test_options_without_meaning_are_refused(options, words):
    with pytest.raises(InputError) as error:
        Options(**options)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"set": "c6=1"}, "c1 .. c5"),
        ({"condition": ("c1=1", "c6=1")}, "--condition"),
        ({"layers": "conv7"}, "conv4"),
        ({"latents": "nowhere.npy"}, "nowhere.npy"),
        ({"shard": "3"}, "3/10"),
        ({"annotations": "nowhere"}, "--annotations=nowhere"),
        ({"labels": "V"}, "--labels=V"),
    ],
)
def test_what_the_model_lacks_is_refused(model, options, word):
    with pytest.raises(InputError, match=word.replace(".", r"\.")):
        run(model, Options(**options))


def test_shards_are_equal_runs_of_whole_bases():
    spans = [read_shard(f"{k}/3", 20, multiple=2) for k in (1, 2, 3)]
    assert spans == [(0, 6), (6, 12), (12, 20)]
    assert read_shard(None, 7) == (0, 7)
    for given in ("0/3", "4/3", "a/3", "11/11"):
        with pytest.raises(InputError, match=f"--shard={given}"):
            read_shard(given, 20, multiple=2)


def test_every_latent_vector_is_generated_under_every_condition(model, probed):
    design, latents = probed.tables["design"], probed.tables["latents"]
    assert design["output"].tolist() == list(range(12))
    assert design["base"].tolist() == [i for i in range(6) for _ in range(2)]
    assert design["condition"].tolist() == ["c1=1", "c2=1"] * 6
    assert (latents.query("output % 2 == 0")["c1"] == 1).all()
    np.testing.assert_array_equal(latents.filter(like="z")[::2], latents.filter(like="z")[1::2])
    series = model.activations(latents.drop(columns="output").to_numpy())
    averages = probed.settings["scales"]["conv4"] * series["conv4"].mean(axis=2)
    np.testing.assert_allclose(probed.arrays["series"]["conv4"], averages, atol=1e-6)


def test_conditions_are_compared_in_pairs(probed):
    rows = probed.tables["differences"]
    assert set(zip(rows["condition"], rows["reference"], strict=True)) == {("c2=1", "c1=1")}
    chosen = "measure == 'intensity' and label == 'voiced' and layer == 'out'"
    means = probed.tables["intervals"].query(chosen).groupby("output")["value"].mean()
    pairs = means.reindex(range(12)).to_numpy().reshape(6, 2)
    differences = np.diff(pairs[np.isfinite(pairs).all(axis=1)])
    (row,) = rows.query("measure == 'intensity' and label == 'voiced' and layer == 'out'").T.items()
    assert row[1]["n"] == len(differences)
    assert row[1]["estimate"] == pytest.approx(differences.mean(), abs=1e-9)


def test_the_same_run_gives_the_same_bytes_and_can_be_loaded(model, tmp_path):
    options = Options(n=2, layers="conv4", controls=0, max_figures=1, **FAST)
    for name in ("one", "two"):
        run(model, options).save(tmp_path / name, figures=False, page=False)
    files = sorted(x for x in (tmp_path / "one").rglob("*") if x.is_file())
    assert {"config.json", "series.npz", "points.csv", "summary.md"} <= {x.name for x in files}
    for file in files:
        again = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert file.read_bytes() == again.read_bytes(), file.name
    loaded = load_run(tmp_path / "one")
    assert loaded.summary() == (tmp_path / "one" / "summary.md").read_text()
    assert "layers_0000" in loaded.figures and loaded.figure("overlay_0000").axes


def test_shards_joined_are_the_whole_run(model, tmp_path):
    options = {"n": 5, "controls": 1, "control_outputs": 4, "layers": "conv3,conv4", **FAST}
    whole = run(model, Options(**options))
    shards = []
    for k in (1, 2):
        shard = run(model, Options(**options, shard=f"{k}/2"))
        assert "correlations" not in shard.tables
        shard.save(tmp_path / str(k), figures=False, page=False)
        shards.append(load_run(tmp_path / str(k)))  # as the command does
    (tmp_path / "merged").mkdir()
    for joined in (merge(shards), merge(shards, str(tmp_path / "merged"))):
        assert json.dumps(joined.settings) == json.dumps(whole.settings)
        assert set(joined.tables) == set(whole.tables)
        for name, table in whole.tables.items():
            texts = {x: str for x in table if table[x].dtype.kind not in "ifub"}
            tables = (x.reset_index(drop=True).astype(texts) for x in (table, joined.tables[name]))
            pd.testing.assert_frame_equal(*tables, check_dtype=False, check_exact=True, obj=name)
        for name, series in whole.arrays["series"].items():
            np.testing.assert_array_equal(joined.arrays["series"][name], series)
    assert joined.tables["points"]["reason"].dtype == "category"


@pytest.mark.parametrize("network", ["q", "discriminator"])
def test_a_classifier_is_probed_on_recordings(model, tmp_path, speech_dir, network):
    shutil.copytree(speech_dir, tmp_path / "recordings")
    (tmp_path / "recordings" / "broken.wav").write_text("no sound")
    inputs = {"network": network, "wav_dir": str(tmp_path / "recordings"), "word": "([a-z]+)"}
    result = run(model, Options(**inputs, controls=0, layers="conv2,conv5", **FAST))
    names = ["logit_d"] if network == "discriminator" else [f"logit_c{i + 1}" for i in range(5)]
    logits = result.tables["logits"]
    assert list(logits) == ["output", "name", "word", *names] and len(logits) == 7
    words, series = result.arrays["words"], result.arrays["series"]
    assert words["word"].tolist() == ["vowel"] and words["n"].tolist() == [6]
    np.testing.assert_allclose(words["conv2"][0], series["conv2"][1:].mean(0), atol=1e-6)
    assert set(result.tables["correlations"]["layer"]) == {"conv2", "conv5"}
    assert "words" in result.figures and "broken.wav" in result.summary()


def test_the_command_runs_the_demo_and_writes_everything(run_script, tmp_path):
    out = tmp_path / "out"
    flags = ["--n=2", "--controls=0", "--max_figures=1", "--layers=conv4", "--noreport", "--jobs=1"]
    result = run_script("probe.py", *flags, *conftest.SHORT_WINDOWS, f"--out_dir={out}")
    assert result.returncode in (0, 2) and "Traceback" not in result.stderr, result.stderr
    written = {path.name for path in out.iterdir()}
    assert {"audio", "config.json", "figures", "maps.npz", "series.npz", "tables"} <= written
    names = {f"{kind}_0000.png" for kind in ("layers", "overlay", "spectrograms", "maps")}
    assert names <= {path.name for path in (out / "figures").iterdir()}
    assert "Pearson's r with Out" in result.stdout


def lines_of(result, start):
    return [line for line in result.summary().splitlines() if line.startswith(start)]


def judged(**changes):
    """An invented run whose correlations all are as given."""
    result = make_probe(outputs=3)
    result.tables["correlations"] = result.tables["correlations"].assign(**changes)
    return result


def test_a_row_holds_r_its_interval_both_controls_p_and_what_stands_behind_them():
    result = make_probe(outputs=3)
    row = result.tables["correlations"].query("verdict == 'encoded' and statistic == 'pearson'")
    row = row.iloc[0]  # F0 at conv1
    cells = [
        "voiced", "F0 (Hz)", "Conv1", f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]",
        "0.20 [0.10, 0.31]", "0.20 [0.10, 0.31]", "0.001",
        "encoded",
    ]  # fmt: skip
    assert any(line.startswith(f"| {' | '.join(cells)} |") for line in lines_of(result, "| voiced"))
    duration = next(line for line in lines_of(result, "| voiced | Conv1 |") if "30.31" in line)
    assert "0.96 [0.90, 1.02] | 30.31 | < 0.001 | 0.97 | 0.20, 20 networks | 3 (3)" in duration
    assert "nan" not in result.summary()


def test_it_says_what_was_run_and_lists_outputs_limits_and_flags():
    result = make_probe(outputs=20)
    text = result.summary()
    for fact in ("train/model.ckpt-1754", "step 1754", "ciwgan", "20 outputs", "60 to 300 Hz"):
        assert fact in text
    assert "Outputs without a voiced interval: 1 of 20." in text
    assert "| silent | 1 | 19 |" in text
    assert "| Conv1 | F1 | – |" in text and "| Conv2 | – | f0: ceiling lowered |" in text
    points = result.tables["points"].query("flag != ''")
    counts = [(points["layer"] == x).sum() for x in ("conv2", "conv3", "conv4", "out")]
    assert counts[-1] > 0
    assert f"| F0 | octave jump | 0 | {' | '.join(map(str, counts))} |" in text


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("encoded", "F0, Intensity, F1, F2, Harmonicity, Duration, CPPS: encoded from Conv1 on."),
        ("inverse", "CPPS: encoded inversely from Conv1 on."),
        ("as random", "CPPS: not shown to be encoded at any layer."),
        ("as shuffled", "CPPS: not shown to be encoded at any layer."),
        ("as both controls", "CPPS: not shown to be encoded at any layer."),
        (
            "not after Holm",
            "CPPS: differs from both controls from Conv1 on, but not after correction.",
        ),
        ("few networks", "CPPS: too few random networks have values from Conv1 on."),
        ("too few", "CPPS: too few values from Conv1 on."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_shown_and_no_more(verdict, said):
    result = judged(verdict=verdict, estimate=0.3, p=0.01)
    voiced = next(line for line in lines_of(result, "- Voiced: "))
    assert voiced.endswith(said)
    assert voiced.removeprefix("- ") in result.terminal()
    words = result.summary().split("## ")[0].split()
    assert len(words) < 170  # before the first table


def test_the_layers_that_encode_a_measure_are_named():
    table = make_probe(outputs=3).tables["correlations"]
    shown = np.where(table["layer"].isin(["conv2", "conv4"]), "encoded", "as random")
    result = judged(verdict=shown, estimate=0.3)
    said = "CPPS: encoded at Conv2, Conv4; not shown to be encoded at Conv1, Conv3."
    assert said in result.summary()


def test_differences_of_conditions_are_said_first_by_measure_and_layer_and_only_where_shown():
    result = make_probe(conditions=("a", "b"), outputs=3)
    table = result.tables["differences"].query("label == 'voiced'")
    table = table[table["layer"].isin(["conv4", "out"]) & table["measure"].isin(["f0", "f1"])]
    shown = (table["measure"] == "f0") & (table["layer"] == "out")
    table = table.assign(estimate=np.where(shown, -7.6, 99.0), n=25)
    result.tables["differences"] = table.assign(
        verdict=np.where(shown, "differs", "no difference shown")
    )
    line = f"`{table['condition'].iloc[0]}` minus `{table['reference'].iloc[0]}`"
    first = result.summary().splitlines()[2]
    assert first == f"- {line}, voiced: F0 (Hz) −7.6 at Out (n = 25)."
    assert first.removeprefix("- ") in result.terminal()
    result.tables["differences"] = table.assign(verdict="no difference shown")
    assert result.summary().splitlines()[2] == f"- {line}: no difference is shown in any layer."


def test_without_random_networks_there_are_values_and_no_verdicts():
    result = judged(verdict="few networks", n_random=0, estimate=0.3)
    result.settings["options"]["controls"] = 0
    for text in (result.summary(), result.terminal()):
        assert probe.NO_CONTROLS in text and "too few random networks" not in text
    assert "?" not in result.terminal() and "0.30" in result.terminal()


def test_a_pearson_far_from_spearman_is_pointed_out_and_one_near_is_not():
    result = make_probe(outputs=3)
    table = result.tables["correlations"].assign(verdict="as random", estimate=0.1)
    far = (table["measure"] == "f0") & (table["layer"] == "conv4")
    table.loc[far & (table["statistic"] == "spearman"), "estimate"] = 0.7
    result.tables["correlations"] = table
    said = "Voiced: Pearson's r and Spearman's are far apart for F0 at Conv4 (0.10 and 0.70)."
    assert f"- {said}" in result.summary()
    assert "far apart" not in judged(verdict="as random", estimate=0.1).summary()


def test_a_label_that_no_output_has_is_named_and_one_that_some_have_is_not():
    result = make_probe(outputs=3)
    result.tables["outputs"] = result.tables["outputs"].assign(
        n_voiced=[0, 1, 0], n_frication=0, n_silence=[1, 0, 0], measured=[True, True, False]
    )
    assert "- Frication: none in 2 outputs." in result.summary().splitlines()
    assert not re.search("(Voiced|Silence): none", result.summary())
    assert "Frication: none in 2 outputs." in result.terminal().splitlines()


def test_outputs_that_do_not_pass_for_speech_get_no_verdict_and_one_reason(probed):
    tables = dict(probed.tables)
    points = tables["points"].copy()
    at = (points["measure"] == "f0") & (points["layer"] == "out")
    points.loc[at, "value"] = 125.0
    tables["points"] = points
    result = Result("probe", probed.settings, tables, probed.arrays)
    probe.add_statistics(result)
    table = result.tables["correlations"]
    before = probed.tables["correlations"]
    judged = ~before["verdict"].isin(("", "too few"))
    assert judged.any() and set(table.loc[judged, "verdict"]) == {"not judged"}
    (line,) = probe.sentences(result)  # it was never trained: other checks fail too
    assert line.startswith("No verdicts, since these outputs do not pass for speech: ")
    assert "100 % of the values of F0 lie within 1 % of a multiple" in line


def test_differences_are_listed_where_they_pass_the_correction():
    result = make_probe(conditions=("a", "b"), outputs=3)
    assert probe.DEPENDENT in result.summary()
    assert probe.DEPENDENT not in make_probe(outputs=3).summary()
    rows = result.tables["differences"]
    differ = rows[rows["verdict"] == "differs"]
    assert (
        f"`b` minus `a`: {len(differ)} of {len(rows)} measures of layers differ" in result.summary()
    )
    assert len(lines_of(result, "| voiced | ")) >= len(differ) > 0


def test_the_summary_says_whose_intervals_are_by_hand():
    result = make_probe(outputs=3)
    assert "--annotations" not in result.summary()
    result.tables["outputs"] = result.tables["outputs"].assign(annotated=[True, False, True])
    said = "2 of 3 outputs have intervals from --annotations (0, 2), the others found ones."
    assert said in result.summary()


def test_a_run_without_values_says_so():
    result = make_probe(empty=True)
    assert probe.NOTHING in result.summary() and "6 of 6" in result.summary()
    assert result.terminal() == ""


def test_channels_are_kept_apart():
    result = make_probe(channels=2, outputs=3)
    for channel in (1, 2):
        assert f"- Voiced, channel {channel}: " in result.summary()
        assert f"voiced, channel {channel}" in result.terminal()


def test_the_terminals_table_has_r_where_there_is_one_and_its_mark():
    result = make_probe(outputs=3)
    lines = result.terminal().splitlines()
    assert lines[2].split() == ["Conv1", "Conv2", "Conv3", "Conv4", "outputs"]
    chosen = "measure == 'hnr' and label == 'voiced' and statistic == 'pearson'"
    marks = {"encoded": "*", "inverse": "~", "few networks": "?"}
    cells = [
        f"{row.estimate:.2f}".replace("-", "−") + marks.get(row.verdict, "")
        for row in result.tables["correlations"].query(chosen).itertuples()
        if np.isfinite(row.estimate)
    ]
    line = next(line for line in lines if line.startswith("  Harmonicity"))
    assert line.split()[2:] == [*cells, "3"] and len(cells) == 3  # too few have no r here
    table = result.tables["correlations"]
    some = judged(n_outputs=np.where(table["layer"] == "conv2", 2, 3))
    line = next(x for x in some.terminal().splitlines() if x.startswith("  Intensity"))
    assert line.split()[-1] == "2–3"
    few = judged(verdict="too few", estimate=0.98, n_outputs=2).terminal()
    assert "(0.98)" in few and max(map(len, lines[:20])) <= 80
