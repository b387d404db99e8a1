"""What an interpolation moved and changed, in words."""

import pytest
from made_interpolation import make_interpolation

from wavegan_tf.report import derived, html, html_tables, moves
from wavegan_tf.report.reading import open_run
from wavegan_tf.report.tables import read_csv, read_json, write_csv, write_json


def test_ways_are_called_by_their_ends():
    path = {"name": "t", "values": [0.0, 1.0]}
    settings = {"flags": {"from": "c1=1", "to": "c2=1"}}
    assert moves.moved(settings, path) == "from c1=1 to c2=1"
    whole = {"flags": {"from": None, "to": None}}
    assert moves.moved(whole, path) == "from one latent vector to another"
    sweep = {"name": "z11", "values": [-15.0, 0.0, 5.0]}
    assert moves.moved(whole, sweep) == "z11 from -15 to 5"


def test_the_title_of_the_page_and_its_slider_name_the_ends_of_a_way(tmp_path):
    make_interpolation(tmp_path, {"t": [0, 0.5, 1]}, layers=1, between="linear")
    config = read_json(tmp_path / "config.json")
    flags = config["flags"] | {"from": "c1=1", "to": "c2=1"}
    write_json(tmp_path / "config.json", config | {"flags": flags})
    text = html.write_report(tmp_path, max_outputs=2).read_text("utf-8")
    assert "from c1=1 to c2=1</h1>" in text and ">0: c1=1; 1: c2=1</span>" in text
    assert "1 value between these is not in this page" in text
    assert "audio/" not in text
    (tmp_path / "audio").mkdir()
    text = html.write_report(tmp_path, max_outputs=2).read_text("utf-8")
    assert "the others are in audio/ and the tables" in text


def test_the_terminal_counts_what_effects_csv_holds_in_the_order_of_the_page(tmp_path):
    make_interpolation(tmp_path, {"z11": [-15, 0, 15], "c2": [0, 1]}, n_bases=8, layers=2)
    text = moves.effects_text(tmp_path, 1000)
    rows = [row for row in read_csv(tmp_path / "effects.csv") if row["latent"] == "z11"]
    shown = [row for row in rows if row["verdict"] == "changes"]
    few = [row for row in rows if row["verdict"] == "too few"]
    assert shown and few
    first, *lines = text.splitlines()
    assert first == (
        f"z11 from -15 to 15: {len(shown)} of {len(rows) - len(few)} measures change (Holm), "
        f"{len(few)} have too few of 8 base vectors"
    )
    (listing,) = (x for x in html_tables.listings(open_run(tmp_path)) if x.key == "effects")
    on_page = [
        (row["layer"], row["cells"][2].split(" (")[0].split(",")[0])
        for row in listing.rows
        if row["latent"] == "z11" and row["cells"][-1] == "changes"
    ]
    on_page = [row for row in on_page if row[1] != "Distance from ordinary outputs"]
    in_terminal = [line[2:46].strip() for line in lines[: 2 * len(on_page) : 2]]
    assert [x.split(", ")[1] for x in in_terminal] == [f"{a.title()}: {b}" for a, b in on_page]
    assert "distance from ordinary outputs (" in text
    assert "z11 and c2: what one does to" in text and "interactions.csv" in text
    assert text.endswith("wavegan_tf.tools.identify compares with controls.")


def test_ends_are_said_against_the_middle(tmp_path):
    make_interpolation(tmp_path, {"z11": [-15, -1, 5]}, n_bases=1, layers=1)
    rows = read_csv(tmp_path / "effects.csv")
    new = {"measure": "rms", "unit": "dB", "from_middle_first": 6.2, "from_middle_last": 1.9}
    write_csv(tmp_path / "effects.csv", rows[0], [rows[0] | new])
    (row,) = moves.read_effects(tmp_path)
    assert moves.against_middle(row) == "+6.2 dB at -15, +1.9 dB at 5, against -1"
    row |= {"from_middle_first_lower": 5.0, "from_middle_first_upper": 7.25}
    row |= {"from_middle_first_p_holm": 0.0123, "from_middle_last": float("nan")}
    assert moves.against_middle(row) == "+6.2 dB (5 .. 7.25, p 0.012) at -15, against -1"
    assert moves.against_middle(row | {"from_middle_first": float("nan")}) == ""


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_without_voice_is_told_to_listen_only_to_what_was_written(tmp_path, kept):
    make_interpolation(tmp_path, {"z11": [-5, 5]}, layers=1)
    rows = [row | {"n_voiced": 0} for row in read_csv(tmp_path / "outputs.csv")]
    write_csv(tmp_path / "outputs.csv", rows[0], rows)
    write_json(tmp_path / "config.json", read_json(tmp_path / "config.json") | {"n": len(rows)})
    if kept:
        (tmp_path / "audio").mkdir()
    (said,) = derived.complaints(tmp_path)
    assert ("audio/" in said) == kept and "--annotation_voicing_threshold" in said
