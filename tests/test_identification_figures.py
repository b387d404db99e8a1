"""Figures of identify come from its tables alone, in the paper's names; no table, no figure."""

import numpy as np
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.report.figures import style
from wavegan_tf.report.figures.identification import draw_identification_figures
from wavegan_tf.report.tables import write_csv, write_json

NAN = float("nan")


def write(path, rows):
    write_csv(path, list(rows[0]), rows)


def ranking(count, above=1):
    for k in range(count):
        yield {
            "rank": k + 1, "latent": f"z{k + 1}", "score": 4.0 - 0.1 * k,
            "null_score_upper": 3.95, "effect": 3.0 / (k + 1), "lower": 2.0 / (k + 1),
            "upper": 4.0 / (k + 1), "p": 0.001, "p_any": 0.001 + 0.1 * (k >= above),
            "univariate": 2.5 / (k + 1), "univariate_lower": 1.0, "univariate_upper": 3.0,
            "univariate_p": 0.1, "selected": 0.5, "n": 400,
            "verdict": "above chance" if k < above else "not above chance",
        }  # fmt: skip


def proof(top, controls, values=(-25.0, -1.0, 0.0, 1.0, 25.0), continuous=False):
    names = [(f"z{k + 1}", "top") for k in range(top)]
    names += [(f"z{k + 90}", "control") for k in range(controls)]
    for latent, role in names:
        for k, value in enumerate(values):
            share = k / len(values) if role == "top" else 0.3
            row = {"latent": latent, "role": role, "value": value, "n": 25, "share": share}
            row |= {"lower": share / 2, "upper": (1 + share) / 2}
            if continuous:
                row |= {"share": NAN, "lower": NAN, "upper": NAN}
            measures = ("mean",) if continuous else ("frication_db", "voiced_db", "frication_ratio")
            for measure in measures:
                level = NAN if share == 0 else 50 * share
                row |= {measure: level, f"{measure}_lower": level, f"{measure}_upper": level}
            yield row


def trends(top, measures):
    for k in range(top):
        for measure in measures:
            yield {
                "latent": f"z{k + 1}", "role": "top", "measure": measure,
                "unit": {"mean": "Hz", "frication_db": "dB"}.get(measure, "1"),
                "slope": 0.02, "rank_r": 0.9, "verdict": "rises" if k == 0 else "no trend shown",
            }  # fmt: skip


def contrasts(path, *changes):
    rows = [
        {"latent": f"z{k + 1}", "role": "top", "from_value": -value, "to_value": value,
         "difference": dict(changes).get((k + 1, value), 0.0),
         "verdict": "changes" if (k + 1, value) in dict(changes) else "no change shown"}
        for k in range(2) for value in (1.0, 25.0)
    ]  # fmt: skip
    write(path / "contrasts.csv", rows)


def make(path, name="frication", by_hand=None, confidence=0.95):
    kind = "continuous" if "." in name else "binary"
    measures = ("mean",) if kind == "continuous" else ("share", "frication_db", "frication_ratio")
    write(path / "ranking.csv", list(ranking(30)))
    write(path / "proof.csv", list(proof(2, 3, continuous=kind == "continuous")))
    write(path / "trends.csv", list(trends(2, measures)))
    contrasts(path)
    about = {"property": name, "kind": kind, "by_hand": False, "label": None}
    about |= {"settings": {"confidence": confidence}} | (by_hand or {})
    write_json(path / "config.json", {"identify": about})


def codes(path, labels, values=(1.0, 2.0)):
    cells = [(c, v, label) for c in ("c1", "c2") for v in values for label in labels]
    names = ("code", "value", "label")
    numbers = {"n": 25, "count": 5, "share": 0.2, "lower": 0.1, "upper": 0.4}
    write(path / "codes.csv", [dict(zip(names, cell, strict=True)) | numbers for cell in cells])
    write(path / "code_tests.csv", [
        {"code": code, "value": value, "test": "fisher", "statistic": 1.0, "p": 0.01,
         "p_holm": 0.02, "n": 50, "verdict": "differs" if code == "c1" else "no difference shown"}
        for code in ("c1", "c2", "all") for value in values
    ])  # fmt: skip


def pairs(path, continuous=False, count=2):
    rows, effects = [], []
    for k in range(count):
        pair = {"latent_a": f"z{k + 1}", "latent_b": "z9"}
        for a in (-5.0, 0.0, 5.0):
            for b in (-5.0, 5.0):
                row = {**pair, "value_a": a, "value_b": b, "n": 25}
                row |= {"share": NAN if continuous else 0.5 + a * b / 50, "lower": 0, "upper": 1}
                rows.append(row | ({"mean": 150 + a * b} if continuous else {}))
        effects.append({**pair, "interaction": 2.0, "lower": 1.5, "upper": 2.5, "p_holm": 0.01,
                        "verdict": "interact" if k == 0 else "no interaction shown"})  # fmt: skip
    write(path / "pairs.csv", rows)
    write(path / "interactions.csv", effects)


def said(figure):
    return " | ".join(x.get_text() for x in figure.findobj(lambda x: hasattr(x, "get_text")))


def test_a_table_that_is_there_is_drawn_and_one_that_is_not_is_left_out(tmp_path, drawn):
    make(tmp_path)
    assert [path.name for path in draw_identification_figures(tmp_path)] == [
        "ranking", "proof", "doses",
    ]  # fmt: skip
    codes(tmp_path, ["frication"])
    pairs(tmp_path)
    names = [path.name for path in draw_identification_figures(tmp_path)]
    assert names == ["ranking", "proof", "doses", "codes", "pairs"] == list(drawn)
    for name in ("ranking.csv", "proof.csv", "trends.csv", "contrasts.csv"):
        (tmp_path / name).unlink()
    assert [path.name for path in draw_identification_figures(tmp_path)] == ["codes", "pairs"]
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match="config.json"):
        draw_identification_figures(tmp_path)


def test_the_ranking_shows_the_first_twenty_in_order_with_what_chance_reaches(tmp_path, drawn):
    make(tmp_path)
    draw_identification_figures(tmp_path)
    scores, effects = drawn["ranking"].axes
    assert [label.get_text() for label in scores.get_yticklabels()] == [
        f"z{k + 1}" for k in range(20)
    ]
    for axis, value in ((scores, lambda k: 4 - 0.1 * k), (effects, lambda k: 3 / (k + 1))):
        dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
        assert [float(line.get_xdata()[0]) for line in dots] == [value(k) for k in range(20)]
        filled = [line.get_markerfacecolor() == line.get_color() for line in dots]
        assert filled == [True] + [False] * 19
    (level,) = (line for line in scores.get_lines() if line.get_linestyle() == "--")
    assert list(level.get_xdata()) == [3.95, 3.95]  # the first is above it, the second below
    assert not [line for line in effects.get_lines() if line.get_linestyle() == "--"]
    assert "strongest of 30 by chance (95 %)" in said(drawn["ranking"])
    assert "frication: 20 of 30" in said(drawn["ranking"]) and "400 outputs" in said(
        drawn["ranking"]
    )


def curve(axis):
    """The top variable's line: colour, values, and the places of its filled marks."""
    (line,) = (
        line
        for line in axis.get_lines()
        if line.get_linestyle() == "-" and line.get_color() in (style.ORANGE, style.BLUE)
        and line.get_marker() == "None"
    )  # fmt: skip
    filled = [
        mark.get_xdata()[0]
        for mark in axis.get_lines()
        if mark.get_marker() == "o" and mark.get_markerfacecolor() != "white"
    ]
    return line.get_color(), list(line.get_ydata()), filled


def test_the_proof_has_a_panel_for_each_top_variable_and_controls_in_grey(tmp_path, drawn):
    make(tmp_path)
    draw_identification_figures(tmp_path)
    first, second = drawn["proof"].axes
    assert first.get_title("left") == "z1: rises, +2 points per unit"
    assert second.get_title("left") == "z2: no change shown"
    assert [x.get_text() for x in first.get_xticklabels()] == ["-25", "-1", "0", "1", "25"]
    assert curve(first) == (style.ORANGE, [0, 0.2, 0.4, 0.6, 0.8], [])
    assert curve(second)[0] == style.BLUE
    assert sum(line.get_color() == style.GREY for line in first.get_lines()) == 3
    assert "3 controls" in said(drawn["proof"])
    assert len(drawn["doses"].axes) == 2 * 3
    title = drawn["doses"].axes[0].get_title("left")
    assert title == "Frication (dB)\nrises: +0.02 dB per unit, r = 0.90"
    colour, levels, filled = curve(drawn["doses"].axes[0])
    assert colour == style.ORANGE and len(filled) == 5
    assert np.isnan(levels[0])  # no fricative there


def test_what_comes_near_zero_only_is_said_and_marked_although_it_has_no_slope(tmp_path, drawn):
    make(tmp_path)
    contrasts(tmp_path, ((2, 1.0), 0.56))
    draw_identification_figures(tmp_path)
    first, second = drawn["proof"].axes
    assert second.get_title("left") == "z2: +56 points at 1 against -1"
    assert curve(second)[0] == style.ORANGE and curve(second)[2] == [1, 3]  # the values -1 and 1
    contrasts(tmp_path, ((1, 1.0), -0.2), ((1, 25.0), -0.125))
    draw_identification_figures(tmp_path)
    first, second = drawn["proof"].axes
    assert first.get_title("left") == (
        "z1: rises, +2 points per unit\n-20 points at 1 against -1"  # the largest difference
    )
    assert curve(first)[2] == [0, 1, 3, 4] and curve(second)[0] == style.BLUE


def test_a_code_that_differs_is_said_to_where_its_sweep_shows_nothing(tmp_path, drawn):
    make(tmp_path)
    rows = [row | {"latent": row["latent"].replace("z2", "c1")} for row in proof(2, 3)]
    write(tmp_path / "proof.csv", rows)
    slopes = [row | {"latent": row["latent"].replace("z2", "c1")} for row in trends(2, ("share",))]
    write(tmp_path / "trends.csv", slopes)
    codes(tmp_path, ["frication"], values=(1.0,))
    draw_identification_figures(tmp_path)
    assert drawn["proof"].axes[1].get_title("left") == "c1: no change shown"
    (tmp_path / "codes").mkdir()
    draw_identification_figures(tmp_path)
    second = drawn["proof"].axes[1]
    assert second.get_title("left") == "c1: code at 1: 20 %, the others 20 %"
    assert curve(second)[0] == style.ORANGE and curve(second)[2] == []
    path = tmp_path / "contrasts.csv"
    write(path, [{"latent": "c1", "from_value": 0.0, "to_value": 1.0, "difference": 0.3,
                  "verdict": "changes"}])  # fmt: skip
    draw_identification_figures(tmp_path)
    second = drawn["proof"].axes[1]
    assert "+30 points at 1 against 0" in second.get_title("left")
    assert curve(second)[2] == [3]  # the value 1, not 0


def test_titles_and_ticks_of_the_longest_kind_stay_clear_of_each_other(tmp_path, drawn):
    make(tmp_path, "voiced.f0")
    values = (-25.0, -15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0, 25.0)
    rows = list(proof(3, 3, values, continuous=True))
    for row in rows:
        row["latent"] = row["latent"].replace("z", "z10")
    write(tmp_path / "proof.csv", rows)
    found = [row | {"slope": -0.00123, "latent": f"z10{row['latent'][1:]}", "verdict": "falls"}
             for row in trends(3, ("mean",))]  # fmt: skip
    write(tmp_path / "trends.csv", found)
    write(tmp_path / "contrasts.csv", [
        {"latent": f"z10{k}", "from_value": -25.0, "to_value": 25.0, "difference": -123.4,
         "verdict": "changes"} for k in (1, 2, 3)
    ])  # fmt: skip
    draw_identification_figures(tmp_path)
    figure = drawn["proof"]
    figure.draw_without_rendering()
    for axis in figure.axes:
        title = axis.title if axis.title.get_text() else axis._left_title
        assert title.get_text().endswith("\n-123 Hz at 25 against -25")
        assert title.get_window_extent().width < axis.get_window_extent().width
        ends = [x.get_window_extent() for x in axis.get_xticklabels()]
        assert len(ends) == 9
        assert all(a.x1 < b.x0 for a, b in zip(ends, ends[1:], strict=False))


def test_the_best_variables_together_are_drawn_where_they_belong_at_their_signs(tmp_path, drawn):
    make(tmp_path)
    rows = list(proof(2, 3))
    for value, share in ((1.0, 0.9), (25.0, 0.96)):
        about = {"role": "together", "latent": "+z1 -z9", "value": value, "share": share}
        rows.append(rows[4] | about)
    write(tmp_path / "proof.csv", rows)
    draw_identification_figures(tmp_path)

    def dotted(axis):
        lines = [line for line in axis.get_lines() if line.get_linestyle() == ":"]
        return [list(zip(*line.get_data(), strict=True)) for line in lines]

    first, second = drawn["proof"].axes
    assert (dotted(first), dotted(second)) == ([[(3, 0.9), (4, 0.96)]], [])
    assert "+z1 -z9 together" in said(drawn["proof"])
    for row in rows[-2:]:
        row["latent"] = "+z9 -z1"
    write(tmp_path / "proof.csv", rows)
    draw_identification_figures(tmp_path)
    assert dotted(drawn["proof"].axes[0]) == [[(1, 0.9), (0, 0.96)]]


def test_a_number_is_drawn_as_means_in_its_own_name_and_unit(tmp_path, drawn):
    make(tmp_path, "voiced.f0", confidence=0.9)
    pairs(tmp_path, continuous=True)
    contrasts(tmp_path, ((1, 25.0), -38.6))
    rows = list(proof(2, 3, continuous=True))
    rows[0]["n"] = 7
    write(tmp_path / "proof.csv", rows)
    names = [path.name for path in draw_identification_figures(tmp_path)]
    assert names == ["ranking", "proof", "pairs"]
    assert "Change of voiced.f0 (Hz)" in said(drawn["ranking"])
    assert drawn["proof"].axes[0].get_ylabel() == "voiced.f0 (Hz)"
    assert drawn["proof"].axes[0].get_title("left") == (
        "z1: rises, +0.02 Hz per unit\n-38.6 Hz at 25 against -25"
    )
    assert "7 to 25 outputs a value; 90 % intervals" in said(drawn["proof"])
    assert "175" in said(drawn["pairs"]) and "Mean of voiced.f0" in said(drawn["pairs"])
    assert "Mean (Hz)" in said(drawn["pairs"])


def test_the_ranking_is_of_the_labels_and_the_proof_of_the_property(tmp_path, drawn):
    make(tmp_path, "voiced.f0", {"by_hand": True, "kind": "binary", "label": "rag"})
    codes(tmp_path, ["yes"])
    draw_identification_figures(tmp_path)
    assert "go with rag" in said(drawn["ranking"]) and "Log odds" in said(drawn["ranking"])
    assert "Mean of voiced.f0" in said(drawn["proof"]) and "doses" not in drawn
    assert "Share of rag by code" in said(drawn["codes"])
    make(tmp_path, by_hand={"by_hand": True, "kind": "continuous"})
    draw_identification_figures(tmp_path)
    assert "Change of the label for one" in said(drawn["ranking"])
    assert "outputs that have frication" in said(drawn["proof"]) and "doses" in drawn
    (tmp_path / "proof.csv").unlink()
    about = {"property": None, "kind": "binary", "by_hand": True, "label": None}
    about["settings"] = {"confidence": 0.95}
    write_json(tmp_path / "config.json", {"identify": about})
    names = [path.name for path in draw_identification_figures(tmp_path)]
    assert names == ["ranking", "codes"]


def test_categories_get_a_heat_map_for_each_value(tmp_path, drawn):
    make(tmp_path)
    codes(tmp_path, ["rag", "suit", "water"])
    draw_identification_figures(tmp_path)
    assert [name for name in drawn if "codes" in name] == ["codes_1", "codes_2"]
    labels = [x.get_text() for x in drawn["codes_2"].axes[0].get_yticklabels()]
    assert labels == ["c1 *", "c2"] and "at the value 2" in said(drawn["codes_2"])
    codes(tmp_path, ["rag", "suit"], values=(1.0,))
    drawn.clear()
    draw_identification_figures(tmp_path)
    assert [name for name in drawn if "codes" in name] == ["codes"]


def test_a_pair_shows_its_shares_and_whether_it_interacts(tmp_path, drawn):
    make(tmp_path)
    pairs(tmp_path)
    draw_identification_figures(tmp_path)
    axis = drawn["pairs"].axes[0]
    assert axis.get_title("left") == "interact\n+2 [1.5, 2.5]"
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("z1", "z9")
    image = axis.get_images()[0].get_array()
    assert image[0].tolist() == [0.0, 1.0]  # z1 = 5 stands above
    assert [x.get_text() for x in axis.get_yticklabels()] == ["5", "0", "-5"]


def test_figures_are_written_as_png_and_pdf_the_same_every_time(tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 30)
    make(tmp_path)
    (tmp_path / "proof.csv").unlink()
    paths = draw_identification_figures(tmp_path)
    assert [path.name for path in paths] == ["ranking.png", "ranking.pdf"]
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_identification_figures(tmp_path)] == first


def test_a_table_of_another_version_is_refused_by_name(tmp_path):
    make(tmp_path)
    write(tmp_path / "ranking.csv", [{"rank": 1, "latent": "z1", "effect": 1.0}])
    with pytest.raises(InputError, match="ranking.csv: has no column verdict"):
        draw_identification_figures(tmp_path)
