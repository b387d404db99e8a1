"""Figures of identify come from its tables alone, in the paper's names; no table, no figure."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from wavegan_tf.experiments.result import Result
from wavegan_tf.output import style

NAN = float("nan")
DOSES = ("frication_db", "voiced_db", "frication_ratio")
ABOUT = {
    "property": "frication", "measure": "share", "unit": "1", "kind": "binary", "by_hand": False,
    "ranked_by": "frication", "codes_generated": True,
}  # fmt: skip
MEAN = {"property": "voiced.f0", "ranked_by": "voiced.f0", "measure": "mean", "unit": "Hz",
        "kind": "continuous"}  # fmt: skip


def ranking(count=30, above=1):
    k = np.arange(count)
    return pd.DataFrame({
        "latent": [f"z{i + 1}" for i in k], "score": 4 - 0.1 * k, "chance_score": 3.95,
        "estimate": 3 / (k + 1), "low": 2 / (k + 1), "high": 4 / (k + 1),
        "univariate": 2.5 / (k + 1), "n": 400, "form": np.where(k == 2, "even", "linear"),
        "verdict": np.where(k < above, "above chance", "not above chance"),
    })  # fmt: skip


def proof(top=2, controls=3, values=(-25.0, -1.0, 0.0, 1.0, 25.0), measures=("share", *DOSES)):
    names = [(f"z{k + 1}", "top") for k in range(top)]
    names += [(f"z{k + 90}", "control") for k in range(controls)]
    rows = []
    for latent, role in names:
        for measure in measures:
            for k, value in enumerate(values):
                share = k / len(values) if role == "top" else 0.3
                level = share if measure == "share" else (50 * share or NAN)
                row = {"latent": latent, "role": role, "measure": measure, "value": value}
                rows.append(row | {"estimate": level, "low": level, "high": level, "n": 25})
    return pd.DataFrame(rows)


def trends(top=2, measures=("share", *DOSES), shown="rises"):
    return pd.DataFrame([
        {"latent": f"z{k + 1}", "role": "top", "measure": measure, "estimate": 0.02, "rank_r": 0.9,
         "verdict": shown if k == 0 else "no trend shown"}
        for k in range(top) for measure in measures
    ])  # fmt: skip


def changes(*shown, top=2, form="linear"):
    """Tables contrasts and findings; ``shown`` are latent's number, value and difference."""
    found = {(k, value): difference for k, value, difference in shown}
    contrasts, findings = [], []
    for k in range(1, top + 1):
        finding = {"latent": f"z{k}", "verdict": "no change shown"}
        for place, value in (("inside", 1.0), ("outside", 25.0)):
            difference = found.get((k, value), 0.0)
            row = {"form": form, "from_value": 0.0 if form == "even" else -value,
                   "to_value": value, "from_estimate": 0.0, "to_estimate": difference}  # fmt: skip
            verdict = "changes" if difference else "no change shown"
            contrasts.append({"latent": f"z{k}", **row, "verdict": verdict})
            finding |= {f"{place}_{name}": x for name, x in row.items()}
        if (k, 1.0) in found:
            finding["verdict"] = "cause"
        elif (k, 25.0) in found:
            finding["verdict"] = "moves it only outside training"
        findings.append(finding)
    return {"contrasts": pd.DataFrame(contrasts), "findings": pd.DataFrame(findings)}


def codes(labels, values=(1.0, 2.0)):
    cells = [(c, v, label) for c in ("c1", "c2") for v in values for label in labels]
    shares = pd.DataFrame(cells, columns=["code", "value", "label"])
    tests = pd.DataFrame([
        {"code": code, "value": value, "p_holm": 0.02, "estimate": 0.2, "others": 0.1,
         "verdict": "differs" if code == "c1" else "no difference shown"}
        for code in ("c1", "c2", "all") for value in values
    ])  # fmt: skip
    return {"codes": shares.assign(estimate=0.2, low=0.1, high=0.4, n=25), "code_tests": tests}


def pairs(scale=0.02, middle=0.5):
    names = ["latent_a", "latent_b"]
    cells = pd.DataFrame(
        [(f"z{k}", "z9", a, b, middle + scale * a * b)
         for k in (1, 2) for a in (-5.0, 0.0, 5.0) for b in (-5.0, 5.0)],
        columns=[*names, "value_a", "value_b", "estimate"],
    )  # fmt: skip
    effects = pd.DataFrame({
        "latent_a": ["z1", "z2"], "latent_b": "z9", "estimate": 2.0, "low": 1.5, "high": 2.5,
        "verdict": ["interact", "no interaction shown"],
    })  # fmt: skip
    return {"pairs": cells, "interactions": effects}


def made(about=None, confidence=0.95, **tables):
    """A result of identify."""
    measures = ("mean",) if (about or {}).get("measure") == "mean" else ("share", *DOSES)
    given = {"ranking": ranking(), "proof": proof(measures=measures)}
    given |= {"trends": trends(measures=measures)} | changes() | tables
    settings = {"identify": ABOUT | (about or {}), "statistics": {"confidence": confidence}}
    given = {name: table for name, table in given.items() if table is not None}
    return Result("identify", settings, given)


def said(figure):
    return " | ".join(x.get_text() for x in figure.findobj(lambda x: hasattr(x, "get_text")))


def curve(axis):
    """The top latent's line: colour, values, and the places of its filled marks."""
    (line,) = (
        line for line in axis.get_lines()
        if line.get_linestyle() == "-" and line.get_color() in (style.ORANGE, style.BLUE)
        and line.get_marker() == "None"
    )  # fmt: skip
    marks = [line for line in axis.get_lines() if line.get_marker() == "o"]
    filled = [x for m in marks if m.get_markerfacecolor() != "white" for x in m.get_xdata()]
    return line.get_color(), list(line.get_ydata()), filled


def test_a_table_that_is_there_is_drawn_and_one_that_is_not_is_left_out():
    assert made().figures == ["ranking", "proof", "doses"]
    assert made(**codes(["frication"]), **pairs()).figures == [
        "ranking", "proof", "doses", "codes", "pairs",
    ]  # fmt: skip
    assert made(**pairs(), proof=None, ranking=None).figures == ["pairs"]


def test_the_ranking_shows_the_first_twenty_in_order_with_what_chance_reaches():
    figure = made().figure("ranking")
    scores, effects = figure.axes
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert names == ["z1", "z2", "|z3|", *(f"z{k + 1}" for k in range(3, 20))]
    for axis, value in ((scores, lambda k: 4 - 0.1 * k), (effects, lambda k: 3 / (k + 1))):
        dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
        found = [float(line.get_xdata()[0]) for line in dots]
        assert found == pytest.approx([value(k) for k in range(20)])
        filled = [line.get_markerfacecolor() == line.get_color() for line in dots]
        assert filled == [True] + [False] * 19
    (level,) = (line for line in scores.get_lines() if line.get_linestyle() == "--")
    assert list(level.get_xdata()) == [3.95, 3.95]  # the first is above it, the second below
    assert "strongest of 30 by chance (95 %)" in said(figure)
    assert "frication: 20 of 30" in said(figure) and "400 outputs" in said(figure)


def test_the_proof_has_a_panel_for_each_top_latent_and_controls_in_grey():
    result = made()
    figure = result.figure("proof")
    first, second = figure.axes
    assert first.get_title("left") == "z1: rises, +2 points per unit"
    assert second.get_title("left") == "z2: no change shown"
    assert [x.get_text() for x in first.get_xticklabels()] == ["−25", "−1", "0", "1", "25"]
    assert curve(first) == (style.ORANGE, [0, 0.2, 0.4, 0.6, 0.8], [])
    assert curve(second)[0] == style.BLUE
    assert sum(line.get_color() == style.GREY for line in first.get_lines()) == 3
    assert "3 controls" in said(figure)
    doses = result.figure("doses").axes
    assert len(doses) == 2 * 3
    title = doses[0].get_title("left")
    assert title == "Frication (dB)\nrises: +0.02 per unit, r = 0.90"
    colour, levels, filled = curve(doses[0])
    assert colour == style.ORANGE and len(filled) == 5
    assert np.isnan(levels[0])  # no fricative there


def test_what_comes_near_zero_only_is_said_and_marked_although_it_has_no_slope():
    first, second = made(**changes((2, 1.0, 0.56))).figure("proof").axes
    assert second.get_title("left") == "z2: +56 points at 1, not −1"
    assert curve(second)[0] == style.ORANGE and curve(second)[2] == [1, 3]  # the values -1 and 1
    first, second = made(**changes((1, 1.0, -0.2), (1, 25.0, -0.125))).figure("proof").axes
    assert first.get_title("left") == (
        "z1: rises, +2 points per unit\n−20 points at 1, not −1"  # inside the range of training
    )
    assert curve(first)[2] == [0, 1, 3, 4] and curve(second)[0] == style.BLUE


def test_what_is_even_is_marked_at_both_sides():
    axis = made(**changes((2, 1.0, 0.56), form="even")).figure("proof").axes[1]
    assert axis.get_title("left") == "z2: +56 points at ±1, not 0" and curve(axis)[2] == [1, 3]


def test_a_code_that_differs_is_said_to_where_its_sweep_shows_nothing():
    tables = {"proof": proof(), "trends": trends()} | changes()
    renamed = {name: table.replace({"latent": {"z2": "c1"}}) for name, table in tables.items()}
    given = renamed | codes(["frication"], values=(1.0,))
    axis = made(**given).figure("proof").axes[1]
    assert axis.get_title("left") == "c1: code at 1: 20 %, the others 10 %"
    assert curve(axis)[0] == style.BLUE  # setting it alone is not shown to change anything
    axis = made({"codes_generated": False}, **given).figure("proof").axes[1]
    assert axis.get_title("left") == "c1: no change shown"


def test_titles_and_ticks_of_the_longest_kind_stay_clear_of_each_other():
    values = (-25.0, -15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0, 25.0)
    tables = {"proof": proof(3, 3, values, ("mean",)), "trends": trends(3, ("mean",), "falls")}
    tables |= changes(*((k, 25.0, -123.4) for k in (1, 2, 3)), top=3)
    tables["trends"] = tables["trends"].assign(estimate=-0.00123, verdict="falls")
    names = {f"z{k}": f"z10{k}" for k in (1, 2, 3)}
    tables = {name: table.replace({"latent": names}) for name, table in tables.items()}
    figure = made(MEAN, **tables).figure("proof")
    with matplotlib.rc_context(style.STYLE):
        figure.draw_without_rendering()
    for axis in figure.axes:
        title = axis._left_title
        assert title.get_text().endswith("\n−123 Hz at 25, not −25")
        assert title.get_window_extent().width < axis.get_window_extent().width
        ends = [x.get_window_extent() for x in axis.get_xticklabels()]
        assert len(ends) == 9
        assert all(a.x1 < b.x0 for a, b in zip(ends, ends[1:], strict=False))


def test_a_number_is_drawn_as_means_in_its_own_name_and_unit():
    rows = proof(measures=("mean",))
    rows.loc[0, "n"] = 7
    given = changes((1, 25.0, -38.6)) | pairs(1, 150) | {"proof": rows}
    result = made(MEAN, confidence=0.9, **given)
    assert result.figures == ["ranking", "proof", "pairs"]
    assert "Change of voiced.f0 (Hz)" in said(result.figure("ranking"))
    figure = result.figure("proof")
    axis = figure.axes[0]
    assert axis.get_ylabel() == "voiced.f0 (Hz)"
    assert axis.get_title("left") == "z1: rises, +0.02 Hz per unit\n−38.6 Hz at 25, not −25"
    assert "7 to 25 outputs a value; 90 % intervals" in said(figure)
    written = said(result.figure("pairs"))
    assert "175" in written and "Mean of voiced.f0" in written


def test_the_ranking_is_of_the_labels_and_the_proof_of_the_property():
    by_hand = {"by_hand": True, "ranked_by": "rag", "kind": "binary", "codes_generated": False}
    result = made(MEAN | by_hand, **codes(["yes"]))
    written = said(result.figure("ranking"))
    assert "go with rag" in written and "Change of share" in written
    assert "Mean of voiced.f0" in said(result.figure("proof")) and "doses" not in result.figures
    assert "Share of rag by code" in said(result.figure("codes"))


def test_categories_get_a_heat_map():
    figure = made(**codes(["rag", "suit", "water"], values=(1.0,))).figure("codes")
    labels = [x.get_text() for x in figure.axes[0].get_yticklabels()]
    assert labels == ["c1 *", "c2"] and "20%" in said(figure)
    assert figure.axes[0].get_images()[0].get_array().shape == (2, 3)


def test_a_pair_shows_its_shares_and_whether_it_interacts():
    axis = made(**pairs()).figure("pairs").axes[0]
    assert axis.get_title("left") == "interact\n2 [1.5, 2.5]"
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("z1", "z9")
    image = axis.get_images()[0].get_array()
    assert image[0].tolist() == [0.0, 1.0]  # z1 = 5 stands above
    assert [x.get_text() for x in axis.get_yticklabels()] == ["5", "0", "−5"]
