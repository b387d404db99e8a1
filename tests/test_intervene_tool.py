"""The tool intervene, as a user runs it, and its tables from the files beside them."""

import csv
import filecmp
import json
import math

import numpy as np
import pytest
from conftest import SHORT_WINDOWS, assert_refused

from wavegan_tf.analysis.effects import holm, paired_t
from wavegan_tf.report import intervention_summary, interventions
from wavegan_tf.report.tables import write_csv

TOOL = "-m wavegan_tf.tools.intervene"
CIWGAN = ("--ckpt=tests/reference/checkpoints/ciwgan", "--model=ciwgan", "--jobs=1")
FAST = ("--audio", *SHORT_WINDOWS)
CELLS = ["conv3 maps 2,3", "conv4 gain", "conv4 window 0.1-0.6"]
CONDITIONS = ["from", "to", *CELLS, *(f"{cell} of another" for cell in CELLS)]


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def intervened(run_script, tmp_path_factory):
    """A run of 5 bases, 8 conditions and a scan of the last layer."""
    out = tmp_path_factory.mktemp("intervened") / "out"
    flags = ["--from=c1=1", "--to=c2=1", "--n=5", "--layers=conv4", "--patch=gain,scan"]
    parts = ["--maps=conv3:2,3", "--window_s=0.1,0.6"]
    result = run_script(TOOL, *CIWGAN, *FAST, *flags, *parts, "--out_dir", out)
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr
    return out, result.stdout


def test_a_run_writes_all_it_promises(intervened):
    out, printed = intervened
    assert sorted(p.name for p in out.iterdir()) == [
        "audio", "checks.csv", "config.json", "figures", "intervals.csv", "interventions.csv",
        "latents.csv", "levels.csv", "maps.csv", "outputs.csv", "scan.npz", "summary.md",
    ]  # fmt: skip
    stems = ("curves", "scan", "shares", "windows")
    assert sorted(p.name for p in (out / "figures").iterdir()) == [
        f"{stem}.{ending}" for stem in stems for ending in ("pdf", "png")
    ]
    assert len(list((out / "audio").glob("*.wav"))) == 40
    outputs = read_rows(out / "outputs.csv")
    assert [row["condition"] for row in outputs] == 5 * CONDITIONS
    assert [int(row["pair"]) for row in outputs] == [i // 8 for i in range(40)]
    latents = read_rows(out / "latents.csv")
    assert [row["id"] for row in latents] == [
        str(8 * base + k) for base in range(5) for k in (0, 1)
    ]
    assert [(float(row["c1"]), float(row["c2"])) for row in latents] == 5 * [(1, 0), (0, 1)]
    assert latents[0]["z5"] == latents[1]["z5"] != latents[2]["z5"]
    checks = read_rows(out / "checks.csv")
    assert all(float(row["max_difference"]) <= 1e-5 for row in checks)
    assert {row["layer"] for row in checks} == {"z_project", "conv1", "conv2", "conv3", "conv4"}
    assert "Share of the effect of c1=1 to c2=1" in printed and "Maps for 50, 80, 95 %" in printed
    summary = (out / "summary.md").read_text()
    assert "carries all of the effect by construction" in summary


def reached(sounds, patch):
    """The share of the waveform at the best gain of all, or of the window that was replaced."""
    gaps = np.zeros(5)
    for base, (own, other) in enumerate(sounds[:, :2]):
        time_s = (np.arange(len(own)) + 0.5) / 16000
        some = (time_s >= 0.1) & (time_s < 0.6) if patch == "window" else time_s >= 0
        gain = max(0, np.linalg.lstsq(own[some, None], other[some], rcond=None)[0][0])
        gaps[base] = np.mean((np.where(some, gain, 1) * own - other) ** 2)
    return 1 - gaps.sum() / np.mean((sounds[:, 0] - sounds[:, 1]) ** 2, axis=1).sum()


def test_shares_are_what_the_sounds_say(intervened):
    from scipy.io import wavfile

    out, _ = intervened
    sounds = [wavfile.read(out / "audio" / f"{i:04d}_out.wav")[1] for i in range(40)]
    sounds = np.array(sounds, np.float64).reshape(5, 8, -1)  # [bases, conditions, time]
    gaps = np.mean((sounds - sounds[:, 1:2]) ** 2, axis=2)
    levels = 10 * np.log10(np.var(sounds, axis=2))
    for column, (layer, patch, maps) in enumerate(
        [("conv3", "maps", "2,3"), ("conv4", "gain", ""), ("conv4", "window", "")], start=2
    ):
        rows = {
            row["measure"]: row
            for row in read_rows(out / "interventions.csv")
            if (row["layer"], row["patch"], row["maps"]) == (layer, patch, maps)
        }
        waveform, rms = rows["waveform"], rows["rms"]
        expected = 1 - gaps[:, column].sum() / gaps[:, 0].sum()
        assert float(waveform["share"]) == pytest.approx(expected, rel=1e-4)
        assert float(waveform["control"]) == pytest.approx(
            1 - gaps[:, column + 3].sum() / gaps[:, 0].sum(), rel=1e-4
        )
        assert float(waveform["scaled"]) == pytest.approx(reached(sounds, patch), rel=1e-4)
        assert float(waveform["lower"]) <= expected <= float(waveform["upper"])
        means = levels.mean(axis=0)
        for name, k in (("from_mean", 0), ("to_mean", 1), ("patched_mean", column)):
            assert float(rms[name]) == pytest.approx(means[k], rel=1e-5)
        assert float(rms["change"]) == pytest.approx(means[column] - means[0], abs=1e-4)
        assert float(rms["p"]) == pytest.approx(paired_t(levels[:, 1] - levels[:, 0]), rel=1e-3)
        p_holm = holm([float(row["p"]) for row in rows.values()])
        written = [float(row["p_holm"]) for row in rows.values()]
        np.testing.assert_allclose(written, p_holm)


def test_the_scan_of_all_maps_is_the_whole_layer(intervened):
    rows = read_rows(intervened[0] / "maps.csv")
    assert [(row["layer"], row["map"], row["measure"]) for row in rows] == [
        ("conv4", "1", "shape"), ("conv4", "2", "shape"),
    ]  # fmt: skip
    assert {float(row["scaled"]) for row in rows} == {0}  # no gain alters the shape
    last = next(row for row in rows if row["rank"] == "2")
    first = next(row for row in rows if row["rank"] == "1")
    assert float(last["cumulative_share"]) == pytest.approx(1, abs=1e-6)
    assert float(first["cumulative_share"]) == float(first["share"]) > float(last["share"])


def test_tables_and_figures_come_from_the_files_again(intervened, tmp_path):
    import shutil

    from wavegan_tf.report.figures.interventions import draw_intervention_figures

    again = tmp_path / "again"
    shutil.copytree(intervened[0], again)
    for path in [*again.glob("figures/*"), again / "interventions.csv", again / "maps.csv"]:
        path.unlink()
    interventions.write_tables(again)
    intervention_summary.write_summary(again)
    drawn = draw_intervention_figures(again)
    assert len(drawn) == 8
    for path in [*drawn, *(again / x for x in ("interventions.csv", "maps.csv", "summary.md"))]:
        assert filecmp.cmp(path, intervened[0] / path.relative_to(again), False), path


def test_a_map_that_is_silenced_is_told_as_a_change(run_script, tmp_path):
    flags = ["--by=0", "--n=1", "--maps=conv4:1,2", "--patch=", "--noaudio", "--nofigures"]
    result = run_script(TOOL, *CIWGAN, *FAST, *flags, "--out_dir", tmp_path)
    assert result.returncode == 2, result.stderr  # a constant output cannot be measured
    assert "1 of 2 outputs could not be measured" in result.stderr
    rows = {row["measure"]: row for row in read_rows(tmp_path / "interventions.csv")}
    assert float(rows["rms"]["patched_mean"]) == -100
    assert rows["rms"]["to_mean"] == rows["rms"]["effect"] == rows["rms"]["share"] == "NaN"
    distances = {m: rows.pop(m)["verdict"] for m in ("waveform", "shape", "spectrum")}
    assert set(distances.values()) == {""}
    assert {row["verdict"] for row in rows.values()} == {"too few"}
    assert "Change in the output, parts silenced" in result.stdout
    assert not (tmp_path / "audio").exists() and not (tmp_path / "maps.csv").exists()


def test_what_praat_measures_is_a_mean_over_voiced_intervals(tmp_path):
    write_csv(tmp_path / "levels.csv", ("id", "measure", "value"), [])
    write_csv(
        tmp_path / "outputs.csv",
        ("id", "n_voiced", "n_frication", "measured"),
        [
            {"id": 0, "n_voiced": 2, "n_frication": 3, "measured": 1},
            {"id": 1, "n_voiced": 0, "n_frication": 0, "measured": 1},
            {"id": 2, "n_voiced": 1, "n_frication": 0, "measured": 1},
            {"id": 3, "n_voiced": 0, "n_frication": 0, "measured": 0},
        ],
    )
    rows = [(0, "voiced", 100.0), (0, "voiced", 120.0), (0, "frication", 7.0)]
    rows += [(2, "voiced", math.nan)]
    write_csv(
        tmp_path / "intervals.csv",
        ("id", "label", "measure", "value"),
        [{"id": i, "label": label, "measure": "f0", "value": x} for i, label, x in rows],
    )
    config = {"n_bases": 2, "conditions": ["from", "to"]}
    values = interventions.read_values(tmp_path, config)
    np.testing.assert_array_equal(values["f0"], [[110, math.nan], [math.nan, math.nan]])
    np.testing.assert_array_equal(values["n_voiced"], [[2, 0], [1, math.nan]])
    np.testing.assert_array_equal(values["frication"], [[1, 0], [0, math.nan]])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--to=z11=15", "--maps=conv3:5"], ["--maps=conv3:5", "conv3 has 4: 1 .. 4"]),
        (["--from=c1=1", "--to=c1=1"], ["the same, so there is no effect"]),
        (["--from=c1=1", "--to=c1=1,c2=0"], ["give the same latent vectors"]),
        (["--by=0", "--to=z11=15"], ["--to=z11=15", "no meaning with --by=0"]),
        (["--by=0", "--scan_by=shape"], ["--scan_by=shape", "leave it out"]),
    ],
)
def test_bad_input_is_refused(run_script, tmp_path, flags, words):
    result = run_script(TOOL, *CIWGAN, *flags, "--n=1", "--out_dir", tmp_path / "out")
    assert_refused(result, *words)
    assert not (tmp_path / "out").exists()


def test_the_run_says_how_to_repeat_it(intervened):
    config = json.loads((intervened[0] / "config.json").read_text())
    assert config["command"] == "intervene" and config["flags"]["from"] == "c1=1"
    assert (config["from"], config["to"], config["by"]) == ("c1=1", "c2=1", "other")
    assert config["conditions"] == CONDITIONS and config["n_bases"] == 5
    assert len(config["checkpoint"]["sha256"]) == 64
