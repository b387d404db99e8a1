"""The summary says what the tables say, and claims no more."""

import csv

import pytest
from made_run import make_run

from wavegan_tf.errors import InputError
from wavegan_tf.report.summary import table_text, write_summary
from wavegan_tf.report.tables import read_json, write_csv, write_json


def summary_of(path, **options):
    return write_summary(make_run(path, **options)).read_text(encoding="utf-8")


def set_verdicts(path, verdict):
    """Give every correlation of a run one verdict."""
    with open(path / "correlations.csv", encoding="utf-8") as file:
        rows = [row | {"verdict": verdict, "value": 0.5} for row in csv.DictReader(file)]
    write_csv(path / "correlations.csv", rows[0], rows)


@pytest.mark.parametrize("layers", [4, 9])
def test_tables_have_a_column_per_layer_from_the_last_and_every_row_is_whole(tmp_path, layers):
    text = summary_of(tmp_path, layers=layers)
    heads = [line for line in text.splitlines() if line.startswith(("| voiced", "| frication"))]
    titles = " | ".join(f"Conv{i}" for i in range(layers, 0, -1))
    assert heads == [f"| voiced | {titles} |", f"| frication | {titles} |"]
    rows = [line for line in text.split("## Flagged")[0].splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {layers + 2}


def test_a_cell_holds_r_its_interval_both_controls_and_the_verdict(tmp_path):
    text = summary_of(tmp_path)
    with open(tmp_path / "correlations.csv", encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["verdict"] == "encoded")
    r, low, high = (float(row[name]) for name in ("value", "low", "high"))
    cell = f"{r:.2f} [{low:.2f}, {high:.2f}]<br>controls 0.31 / 0.31<br>**encoded**"
    line = next(line for line in text.splitlines() if line.startswith("| F0 (Hz)"))
    assert line.endswith(f"| {cell} |")  # conv1, the last column


def test_the_duration_row_is_the_linear_model(tmp_path):
    line = next(x for x in summary_of(tmp_path).splitlines() if x.startswith("| Duration, linear"))
    assert "β 0.96 [0.90, 1.02]<br>t 30.31, adj. R² 0.97, n 6<br>random: adj. R² 0.20" in line


def test_it_says_what_was_run(tmp_path):
    text = summary_of(tmp_path)
    for fact in ("train/model.ckpt-1754", "step 1754", "ciwgan", "6 outputs", "f0_floor_hz 60"):
        assert fact in text
    assert "Praat 6.1.38" in text and "numpy 1.26" in text


def test_it_lists_outputs_limits_and_flags(tmp_path):
    text = summary_of(tmp_path, outputs=20)
    assert "Outputs without a voiced interval: 1 of 20." in text
    assert "- no voiced interval: 1 (19 (0019))" in text
    assert "- Conv1: not measured: F1\n" in text
    assert "- Conv2: f0: ceiling lowered" in text
    with open(tmp_path / "measurements.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    flagged = [sum(r["flag"] != "" and r["layer"] == x for r in rows) for x in ("out", "conv4")]
    assert flagged[0] > 0
    assert f"| F0 | octave jump | {flagged[0]} | {flagged[1]} |" in text


def test_only_what_is_encoded_is_called_so(tmp_path):
    make_run(tmp_path)
    for verdict, claims in (
        (
            "encoded",
            ["Above both controls, over 6 outputs:", "- voiced: F0 at Conv4, Conv3, "],
        ),
        ("inverse", ["No measure is above both", "Inversely related, beyond both controls:"]),
        ("not above random", ["No measure is above both controls", "show neither"]),
        ("no control", ["Nothing: the correlations stand without controls"]),
        ("too few", ["Nothing: no measure has enough values"]),
    ):
        set_verdicts(tmp_path, verdict)
        text = write_summary(tmp_path).read_text(encoding="utf-8").split("## What may")[1]
        assert all(claim in text for claim in claims), verdict
        assert ("Above both controls" in text) == (verdict == "encoded")
        assert ("Inversely" in text) == (verdict == "inverse")


def test_a_sweep_is_not_taken_for_a_sample(tmp_path):
    assert "alone changes" not in summary_of(tmp_path / "probe")
    vary = [{"name": "z11", "values": [0.0]}]
    assert "z11 alone changes" in summary_of(tmp_path / "sweep", vary=vary)


def test_outputs_of_one_latent_vector_are_not_taken_for_independent(tmp_path):
    caution = "6 latent vectors under 2 conditions"
    assert caution not in summary_of(tmp_path)
    with open(tmp_path / "outputs.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = [row | {"condition": condition} for condition in ("a", "b") for row in rows]
    write_csv(tmp_path / "outputs.csv", rows[0], rows)
    assert caution in write_summary(tmp_path).read_text(encoding="utf-8")


def test_differences_are_listed_where_they_pass_the_correction(tmp_path):
    text = summary_of(tmp_path, conditions=("a", "b"))
    with open(tmp_path / "differences.csv", encoding="utf-8") as file:
        verdicts = [row["verdict"] for row in csv.DictReader(file)]
    found = f"`b` against `a`: differs in {verdicts.count('differs')} of {len(verdicts)} cells"
    assert found in text


def test_a_run_without_values_says_so(tmp_path):
    text = summary_of(tmp_path, empty=True)
    assert "No correlation could be computed" in text and "6 of 6" in text
    assert "Nothing: no measure has enough values" in text
    assert table_text(tmp_path) == ""


def test_channels_are_kept_apart(tmp_path):
    text = summary_of(tmp_path, channels=2)
    assert "## Voiced intervals, channel 1" in text and "## Voiced intervals, channel 2" in text
    assert "voiced, channel 2" in table_text(tmp_path)


def test_the_terminals_table_has_r_and_a_mark_for_the_verdict(tmp_path):
    make_run(tmp_path)
    with open(tmp_path / "correlations.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["statistic"] == "pearson"]
    marks = {"encoded": "*", "inverse": "~", "no control": "?", "too few": "."}
    lines = table_text(tmp_path).splitlines()
    assert lines[1].split() == ["Conv4", "Conv3", "Conv2", "Conv1"]
    cells = [
        ("n/a" if row["value"] == "NaN" else f"{float(row['value']):.2f}")
        + marks.get(row["verdict"], "")
        for row in rows
        if row["measure"] == "intensity" and row["label"] == "voiced"
    ]
    line = next(line for line in lines if line.startswith("  Intensity"))
    assert line.split()[2:] == cells[::-1]
    assert max(map(len, lines)) <= 80


def test_a_run_of_another_version_is_refused_with_the_column(tmp_path):
    make_run(tmp_path)
    write_csv(tmp_path / "correlations.csv", ["measure", "r"], [{"measure": "f0", "r": 0.5}])
    with pytest.raises(InputError, match="has no column channel"):
        write_summary(tmp_path)


def test_an_unknown_checkpoint_is_no_obstacle(tmp_path):
    make_run(tmp_path)
    config = read_json(tmp_path / "config.json")
    for key in ("checkpoint", "limits", "settings"):
        del config[key]
    write_json(tmp_path / "config.json", config)
    assert "step unknown" in write_summary(tmp_path).read_text(encoding="utf-8")
