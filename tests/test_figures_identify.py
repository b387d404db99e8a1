"""Figures of identify come from its tables alone, in the paper's names; no table, no figure."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import said

from wavegan_tf.experiments.result import Result
from wavegan_tf.output import style

DOSES = ("frication_db", "voiced_db", "frication_ratio")
ABOUT = {
    "property": "frication", "measure": "share", "unit": "1", "kind": "binary", "by_hand": False,
    "ranked_by": "frication", "codes_generated": True,
}  # fmt: skip
MEAN = {"property": "voiced.f0", "ranked_by": "voiced.f0", "measure": "mean", "unit": "Hz",
        "kind": "continuous"}  # fmt: skip
VALUES = (-25.0, -1.0, 0.0, 1.0, 25.0)
CHANGES = ("latent", "from_value", "to_value", "from_estimate", "to_estimate", "verdict")


def ranking():
    k = np.arange(30)
    return pd.DataFrame({
        "latent": [f"z{i + 1}" for i in k], "score": 4 - 0.1 * k, "chance_score": 3.95,
        "estimate": 3 / (k + 1), "low": 2 / (k + 1), "high": 4 / (k + 1), "n": 400,
        "univariate": 2 / (k + 1), "verdict": np.where(k < 1, "above chance", "not above chance"),
    })  # fmt: skip


def proof(measures=("share", *DOSES), values=VALUES, shown=()):
    """Tables of z1, whose slope is shown, z2 and three controls.

    ``shown`` are changes beside it: number of the latent, value and difference from its mirror.
    """
    rows, trends = [], []
    for latent in ("z1", "z2", "z90", "z91", "z92"):
        role = "top" if latent in ("z1", "z2") else "control"
        about = {"latent": latent, "role": role, "n": 25}
        for measure in measures:
            verdict = "rises" if latent == "z1" else "no trend shown"
            trends.append(about | {"measure": measure, "estimate": 0.02, "rank_r": 0.9,
                                   "verdict": verdict})  # fmt: skip
            for k, value in enumerate(values):
                share = k / len(values) if role == "top" else 0.3
                level = share if measure == "share" else 50 * share or np.nan
                ends = {"estimate": level, "low": level, "high": level}
                rows.append(about | {"measure": measure, "value": value, **ends})
    found = {(k, value): difference for k, value, difference in shown}
    contrasts = pd.DataFrame(
        [(f"z{k}", -value, value, 0.0, found.get((k, value), 0.0),
          "changes" if (k, value) in found else "no change shown")
         for k in (1, 2) for value in (1.0, 25.0)],
        columns=CHANGES,
    )  # fmt: skip
    largest = contrasts["to_estimate"].abs().groupby(contrasts["latent"]).idxmax()
    return {"proof": pd.DataFrame(rows), "trends": pd.DataFrame(trends), "contrasts": contrasts,
            "findings": contrasts.loc[largest]}  # fmt: skip


def codes(*labels):
    cells = [(code, 1.0, label) for code in ("c1", "c2") for label in labels]
    shares = pd.DataFrame(cells, columns=["code", "value", "label"])
    tests = pd.DataFrame({"code": ["c1", "c2", "all"], "value": 1.0, "estimate": 0.2,
                          "others": 0.1, "verdict": ["differs", "", ""]})  # fmt: skip
    return {"codes": shares.assign(estimate=0.2, low=0.1, high=0.4, n=25), "code_tests": tests}


def pairs(scale=0.02, middle=0.5):
    cells = pd.DataFrame(
        [(f"z{k}", "z9", a, b, middle + scale * a * b)
         for k in (1, 2) for a in (-5.0, 0.0, 5.0) for b in (-5.0, 5.0)],
        columns=["latent_a", "latent_b", "value_a", "value_b", "estimate"],
    )  # fmt: skip
    effects = pd.DataFrame({
        "latent_a": ["z1", "z2"], "latent_b": "z9", "estimate": 2.0, "low": 1.5, "high": 2.5,
        "verdict": ["interact", "no interaction shown"],
    })  # fmt: skip
    return {"pairs": cells, "interactions": effects}


def result_of(tables, confidence=0.95, **about):
    settings = {"identify": ABOUT | about, "statistics": {"confidence": confidence}}
    return Result("identify", settings, tables)


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


def test_the_ranking_shows_the_first_twenty_in_order_with_what_chance_reaches():
    result = result_of({"ranking": ranking()})
    assert result.figures == ["ranking"]
    figure = result.figure("ranking")
    scores, effects = figure.axes
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert names == [f"z{k + 1}" for k in range(20)]
    for axis, value in ((scores, lambda k: 4 - 0.1 * k), (effects, lambda k: 3 / (k + 1))):
        dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
        found = [float(line.get_xdata()[0]) for line in dots]
        assert found == pytest.approx([value(k) for k in range(20)])
        filled = [line.get_markerfacecolor() == line.get_color() for line in dots]
        assert filled == [True] + [False] * 19
    (level,) = (line for line in scores.get_lines() if line.get_linestyle() == "--")
    assert list(level.get_xdata()) == [3.95, 3.95]  # the first is above it, the second below
    assert "strongest of 30 by chance (95 %)" in said(figure)


def test_the_proof_has_a_panel_for_each_top_latent_and_controls_in_grey():
    result = result_of(proof())
    assert result.figures == ["proof", "doses"]
    first, second = result.figure("proof").axes
    assert first.get_title("left") == "z1: rises, +2 points per unit"
    assert second.get_title("left") == "z2: no change shown"
    assert [x.get_text() for x in first.get_xticklabels()] == ["−25", "−1", "0", "1", "25"]
    assert curve(first) == (style.ORANGE, [0, 0.2, 0.4, 0.6, 0.8], [])
    assert curve(second)[0] == style.BLUE
    assert sum(line.get_color() == style.GREY for line in first.get_lines()) == 3
    doses = result.figure("doses").axes
    assert len(doses) == 2 * 3
    title = doses[0].get_title("left")
    assert title == "Frication (dB)\nrises: +0.02 per unit, r = 0.90"
    colour, levels, filled = curve(doses[0])
    assert colour == style.ORANGE and len(filled) == 5
    assert np.isnan(levels[0])  # no fricative there


def test_what_comes_near_zero_only_is_said_and_marked_although_it_has_no_slope():
    first, second = result_of(proof(shown=[(2, 1.0, 0.56)])).figure("proof").axes
    assert second.get_title("left") == "z2: +56 points at 1, not −1"
    assert curve(second)[0] == style.ORANGE and curve(second)[2] == [1, 3]  # the values -1 and 1
    shown = [(1, 1.0, -0.2), (1, 25.0, -0.125)]
    first, second = result_of(proof(shown=shown)).figure("proof").axes
    assert first.get_title("left") == (
        "z1: rises, +2 points per unit\n−20 points at 1, not −1"  # the largest difference
    )
    assert curve(first)[2] == [0, 1, 3, 4] and curve(second)[0] == style.BLUE


def test_a_code_that_differs_is_said_to_where_its_sweep_shows_nothing():
    tables = {name: x.replace({"latent": {"z2": "c1"}}) for name, x in proof().items()}
    tables |= codes("frication")
    axis = result_of(tables).figure("proof").axes[1]
    assert axis.get_title("left") == "c1: code at 1: 20 %, the others 10 %"
    assert curve(axis)[0] == style.ORANGE
    axis = result_of(tables, codes_generated=False).figure("proof").axes[1]
    assert axis.get_title("left") == "c1: no change shown"


def test_titles_and_ticks_of_the_longest_kind_stay_clear_of_each_other():
    values = (-25.0, -15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0, 25.0)
    tables = proof(("mean",), values, [(k, 25.0, -123.4) for k in (1, 2)])
    tables["trends"] = tables["trends"].assign(estimate=-0.00123, verdict="falls")
    tables = {
        name: x.replace({"latent": {"z1": "z101", "z2": "z102"}}) for name, x in tables.items()
    }
    third = {name: x[x["latent"] == "z102"].assign(latent="z103") for name, x in tables.items()}
    tables = {name: pd.concat([x, third[name]]) for name, x in tables.items()}
    figure = result_of(tables, **MEAN).figure("proof")
    with matplotlib.rc_context(style.STYLE):
        figure.draw_without_rendering()
    assert len(figure.axes) == 3
    for axis in figure.axes:
        title = axis._left_title
        assert title.get_text().endswith("\n−123 Hz at 25, not −25")
        assert title.get_window_extent().width < axis.get_window_extent().width
        ends = [x.get_window_extent() for x in axis.get_xticklabels()]
        assert len(ends) == 9
        assert all(a.x1 < b.x0 for a, b in zip(ends, ends[1:], strict=False))


@pytest.mark.parametrize(
    "name, lines", [("+z1 -z9", [[(3, 0.9), (4, 0.96)]]), ("+z9 -z1", [[(1, 0.9), (0, 0.96)]])]
)
def test_the_best_latents_together_are_drawn_where_they_belong_at_their_signs(name, lines):
    tables = proof(("share",))
    both = pd.DataFrame({"value": [1.0, 25.0], "estimate": [0.9, 0.96]})
    both = both.assign(role="together", latent=name, measure="share", n=25)
    tables["proof"] = pd.concat([tables["proof"], both])
    figure = result_of(tables).figure("proof")
    dotted = [
        [list(zip(*x.get_data(), strict=True)) for x in axis.get_lines()
         if x.get_linestyle() == ":" and len(x.get_xdata())]
        for axis in figure.axes
    ]  # fmt: skip
    assert dotted == [lines, []] and f"{name} together" in said(figure)


def test_a_number_is_drawn_as_means_in_its_own_name_and_unit():
    tables = {"ranking": ranking()} | proof(("mean",), shown=[(1, 25.0, -38.6)]) | pairs(1, 150)
    tables["proof"].loc[0, "n"] = 7
    result = result_of(tables, confidence=0.9, **MEAN)
    assert result.figures == ["ranking", "proof", "pairs"]
    assert "Change of voiced.f0 (Hz)" in said(result.figure("ranking"))
    figure = result.figure("proof")
    axis = figure.axes[0]
    assert axis.get_ylabel() == "voiced.f0 (Hz)"
    assert axis.get_title("left") == "z1: rises, +0.02 Hz per unit\n−38.6 Hz at 25, not −25"
    assert "7 to 25 outputs a value; 90 % intervals" in said(figure)
    assert "175" in said(result.figure("pairs"))
    by_hand = {"by_hand": True, "ranked_by": "rag", "kind": "binary", "codes_generated": False}
    result = result_of(tables | codes("yes"), **MEAN | by_hand)  # a word ranks, a number proves
    assert "Change of share" in said(result.figure("ranking"))
    assert "Mean of voiced.f0" in said(result.figure("proof"))
    assert "Share of rag by code" in said(result.figure("codes"))


def test_categories_get_a_heat_map():
    figure = result_of(codes("rag", "suit", "water")).figure("codes")
    labels = [x.get_text() for x in figure.axes[0].get_yticklabels()]
    assert labels == ["c1 *", "c2"] and "20%" in said(figure)
    assert figure.axes[0].get_images()[0].get_array().shape == (2, 3)


def test_a_pair_shows_its_shares_and_whether_it_interacts():
    axis = result_of(pairs()).figure("pairs").axes[0]
    assert axis.get_title("left") == "interact\n2 [1.5, 2.5]"
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("z1", "z9")
    image = axis.get_images()[0].get_array()
    assert image[0].tolist() == [0.0, 1.0]  # z1 = 5 stands above
    assert [x.get_text() for x in axis.get_yticklabels()] == ["5", "0", "−5"]
