"""The page of the paper: its claims, its runs, and that nothing is said beyond the tables."""

import re
import shlex
from types import SimpleNamespace

import conftest
import numpy as np
import pandas as pd
import pytest

import wavegan_tf
from wavegan_tf.commands import reproduce
from wavegan_tf.experiments.result import Result, experiment
from wavegan_tf.options import build
from wavegan_tf.output.versions import run_record
from wavegan_tf.paper import judges
from wavegan_tf.paper.claims import CLAIMS
from wavegan_tf.paper.judges import LAYERS, NOT_SHOWN, OTHER, SHOWN
from wavegan_tf.paper.page import page
from wavegan_tf.paper.runs import RUNS, WORDS, WORDS_LINE, command_line
from wavegan_tf.stats import proof
from wavegan_tf.stats.proof import follow_ranking

FOUND = {"s": "z7", "way": "-15:5:2", "far": "-15:15:5"}


def made(**tables):
    """A run of made tables."""
    return SimpleNamespace(table=lambda name: tables.get(name, pd.DataFrame()))


def probed(r, verdicts, random):
    """A probe's tables: r of each layer from Conv4 on; that of random networks, [n, layers]."""
    about = {"label": "voiced", "measure": "intensity", "channel": 1}
    rows = about | {
        "layer": LAYERS, "statistic": "pearson", "estimate": r, "low": np.array(r) - 0.05,
        "high": np.array(r) + 0.05, "n": 250, "n_outputs": 25, "random": 0.5, "random_high": 0.7,
        "n_random": len(random), "n_flagged": 0, "verdict": verdicts,
    }  # fmt: skip
    controls = pd.DataFrame(random, columns=LAYERS).rename_axis("network").reset_index()
    controls = controls.melt("network", var_name="layer", value_name="pearson").assign(**about)
    return made(correlations=pd.DataFrame(rows), controls=controls)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["encoded"] * 4, SHOWN),
        (["encoded"] * 3 + ["as random"], NOT_SHOWN),
        (["not judged"] * 4, NOT_SHOWN),
        (["encoded"] * 3 + ["inverse"], OTHER),
    ],
)
def test_a_layer_encodes_what_the_probe_says(verdicts, expected):
    run = probed([0.8, 0.7, 0.6, 0.4], verdicts, np.zeros((20, 4)))
    found = judges.encoded(run, "intensity", LAYERS)
    assert found.verdict == expected
    assert "Conv1 0.40 [0.35, 0.45]" in found.ours and "25 outputs" in found.ours


def test_what_rests_on_suspect_values_is_not_shown():
    run = probed([0.8, 0.7, 0.6, 0.4], ["encoded"] * 4, np.zeros((20, 4)))
    for flagged, expected in ((125, SHOWN), (126, NOT_SHOWN)):
        run.table("correlations")["n_flagged"] = flagged
        assert judges.encoded(run, "intensity", LAYERS).verdict == expected


def test_an_order_that_untrained_networks_have_too_is_not_shown():
    flat, like = np.tile([[0.3, 0.4, 0.3, 0.4], [0.86, 0.61, 0.37, 0.21]], (20, 1, 1)).swapaxes(
        0, 1
    )
    for r, random, expected in (
        ([0.8, 0.7, 0.6, 0.4], flat, SHOWN),
        ([0.8, 0.7, 0.6, 0.4], flat[:3], NOT_SHOWN),  # too few to tell
        ([0.8, 0.7, 0.6, 0.4], like, OTHER),
        ([0.4, 0.6, 0.7, 0.8], flat, OTHER),
        ([0.5, 0.52, 0.5, 0.5], flat, NOT_SHOWN),
    ):
        run = probed(r, ["encoded"] * 4, random)
        assert judges.falls(run, "intensity").verdict == expected


def test_networks_that_were_never_trained_show_nothing_that_has_a_control():
    # Each of 21 in the place of the trained one, as the probe calls it (tests/false_alarms.py)
    random = np.random.default_rng(0).normal([0.86, 0.61, 0.37, 0.21], 0.05, (21, 4))
    for k, own in enumerate(random):
        run = probed(own, ["as random"] * 4, np.delete(random, k, axis=0))
        assert judges.encoded(run, "intensity", LAYERS).verdict == NOT_SHOWN
        assert judges.falls(run, "intensity").verdict != SHOWN


def test_codes_beyond_training_are_compared_with_those_of_training():
    def verdict(level, *far):
        shares = pd.DataFrame(
            {"estimate": (0.6, 0.22, *far), "value": (1.0, 1.0, 5.0, 5.0), "n": 99}
        )
        ends = {"low": shares["estimate"] - 0.05, "high": shares["estimate"] + 0.05}
        tests = pd.DataFrame({"value": (1.0, 5.0), "verdict": "differs", "p_holm": 1e-4})
        run = made(codes=shares.assign(code=["c1", "c2"] * 2, **ends), code_tests=tests)
        return judges.codes(run, level).verdict

    assert verdict(1.0, 0.87, 0.02) == verdict(5.0, 0.87, 0.02) == SHOWN
    assert (verdict(5.0, 0.62, 0.22), verdict(5.0, 0.5, 0.4)) == (NOT_SHOWN, OTHER)


def test_codes_say_words_where_each_has_its_own_in_most_outputs():
    def tables(words, shares, differ):
        shares = np.array(shares)
        codes = pd.DataFrame({
            "code": [f"c{k + 1}" for k in range(len(words))], "word": words, "estimate": shares,
            "low": shares - 0.1, "high": shares + 0.1, "n": 100, "p_holm": 0.01,
            "verdict": differ,
        })  # fmt: skip
        held = {"heard": "recordings", "estimate": 0.9, "low": 0.8, "high": 1.0, "n": 9}
        return {"codes": codes, "classifier": pd.DataFrame([held | {"chance": 0.1}])}

    assert judges.words([tables(["0", "9"], [0.98, 0.7], "differs")]).verdict == SHOWN
    assert judges.words([tables(["0", "9"], [0.98, 0.55], "differs")]).verdict == NOT_SHOWN
    assert judges.words([tables(["0", "0"], [0.98, 0.9], "differs")]).verdict == OTHER
    assert judges.words([{}]).verdict == NOT_SHOWN

    differ, alike = (tables(["0", "9"], [0.9, 0.9], x) for x in ("differs", "no difference shown"))
    for named, untrained, expected in (
        (differ, [alike] * 19, SHOWN),
        (differ, [alike] * 3, NOT_SHOWN),  # too few to tell
        (differ, [differ] * 19, OTHER),
        (alike, [alike] * 19, NOT_SHOWN),
    ):
        assert judges.code_words([named, *untrained]).verdict == expected


def test_a_smaller_difference_counts_where_outputs_have_one():
    def verdict(own):
        rows = {
            "source": ["outputs", "recordings", judges.BOTH],
            "verdict": [own] + ["differs"] * 2,
        }
        about = {"n": 30, "n_with_s": 30, "p_holm": 0.01, "ratio": 2.0}
        table = pd.DataFrame(rows).assign(estimate=[0.01, 0.03, -0.02], **about)
        for name in ("", "ratio_"):
            table[f"{name}low"], table[f"{name}high"] = -0.1, 0.1
        return judges.vot(made(differences=table), judges.BOTH, -1).verdict

    assert (verdict("differs"), verdict("no difference shown")) == (SHOWN, NOT_SHOWN)


def test_s_is_rarer_where_outputs_have_it_less_often_not_their_stops():
    # Of 225 stops 39 % are after [s], but half of the outputs have no stop.
    rows = {"source": ["outputs", "recordings"], "group": judges.WITH_S, "n": [88, 113]}
    about = {"n_outputs": [500, 400], "share": [88 / 225, 113 / 390]}
    found = judges.share_of_s(made(groups=pd.DataFrame(rows | about)))
    assert found.verdict == SHOWN and "18 %" in found.ours and "500 outputs" in found.ours
    alike = rows | about | {"n": [140, 113]}
    assert judges.share_of_s(made(groups=pd.DataFrame(alike))).verdict == NOT_SHOWN


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (proof.OUTSIDE, "from −15 to 15 is 40 %. Of the 1 other variables that lead the ranking "),
        (proof.CAUSE, "from −1 to 1 is 10 %. Of the 1 other variables that lead the ranking "),
    ],
)
def test_the_largest_control_stands_at_the_value_of_the_verdict(verdict, said):
    values, about = [1.0, 15.0, 25.0], {"form": "linear", "to_value": [1.0, 15.0, 25.0]}
    contrasts = [
        pd.DataFrame(about | {"latent": latent, "role": role, "estimate": changes})
        for latent, role, changes in (
            ("z1", proof.TOP, [0.2, 1.0, 1.0]), ("z2", proof.TOP, [0.1, 0.8, 1.0]),
            ("z3", proof.CONTROL, [0.1, 0.4, 0.9]),
        )
    ]  # fmt: skip
    shares = {"value": values, "estimate": [0.2, 1.0, 1.0], "low": 0.1, "high": 1.0, "n": 20}
    row = {"latent": "z1", "ranked": "above chance", "verdict": verdict, "n_controls": 1}
    row |= {"n_controls_as_large": 0, "inside_to_value": 1.0, "outside_to_value": 15.0}
    trend = {"latent": "z1", "measure": proof.SHARE, "verdict": proof.RISES, "p_holm": 0.01}
    found = judges.caused(made(
        findings=pd.DataFrame([row]), contrasts=pd.concat(contrasts),
        trends=pd.DataFrame([trend]),
        proof=pd.DataFrame(shares | {"latent": "z1", "measure": proof.SHARE}),
    ))  # fmt: skip
    assert found.verdict == SHOWN and f"{said}none change" in found.control


def test_proof_follows_ranking_where_it_does():
    ranking = pd.DataFrame({"latent": list("abcdef"), "form": "linear", "estimate": range(6)})
    contrasts = ranking.assign(to_value=4.5, estimate=[0, 1, 2, 4, 3, 5])
    found = follow_ranking(ranking, contrasts, 4.5, 0.95)
    assert found["estimate"] == pytest.approx(1 - 6 * 2 / (6 * 35)) and found["n"] == 6
    assert found["low"] < found["estimate"] < found["high"]
    assert np.isnan(follow_ranking(ranking[:4], contrasts, 4.5, 0.95)["p"])


def test_runs_are_what_their_command_lines_say(tmp_path):
    lines = {name: command_line(name, FOUND) for name in RUNS}
    read = {}
    for run, line in lines.items():
        name, *words = [reproduce.at_home(x, tmp_path) for x in shlex.split(line)[3:-1]]
        if name != "make_corpus":
            read[run], given = reproduce.read_flags(name, words)
            build(experiment(name).Options, read[run])
            assert given["ckpt"].startswith("demo:")
    options = read["probe_stv"]
    assert (options["n"], options["clip"], options["f0_range"]) == (25, True, (60, 300))
    assert read["interpolate_s"]["vary"] == ("z7=-15:5:2",)
    assert {claim.run for claim in CLAIMS} <= {*RUNS, WORDS}


def test_a_file_is_refused_before_any_run(run_script, tmp_path):
    (tmp_path / "page").write_text("mine")
    result = run_script("-m wavegan_tf reproduce", f"--out_dir={tmp_path / 'page'}")
    assert result.returncode == 1 and "is a file; name a directory" in result.stderr
    assert (tmp_path / "page").read_text() == "mine"


def test_a_run_that_is_whole_is_not_made_again(tmp_path, monkeypatch):
    made = run_record("vot", {"n": 5}) | {"checkpoint": {"sha256": "a"}}
    result = Result("vot", made, {})
    result.summary = str
    result.save(tmp_path, figures=False, page=False)
    assert reproduce.is_whole(tmp_path, {"n": 5}, "a")
    assert not reproduce.is_whole(tmp_path, {"n": 6}, "a")
    assert not reproduce.is_whole(tmp_path, {"n": 5}, "b")
    monkeypatch.setattr(wavegan_tf, "__version__", "another")
    assert not reproduce.is_whole(tmp_path, {"n": 5}, "a")


def test_the_page_has_the_claims_and_commands_of_the_list_in_its_order():
    findings = {claim.name: judges.nothing("nothing") for claim in CLAIMS}
    lines = {name: command_line(name, FOUND) for name in RUNS} | {WORDS: WORDS_LINE}
    now = page(findings, lines, {}, set())
    kept = (conftest.ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    for text in (now, kept):
        assert re.findall(r"^## (.+)$", text, re.M)[:-1] == [claim.title for claim in CLAIMS]
    commands = [
        re.sub(r"(?<=--vary=)z\S+", "", "\n".join(re.findall(r"^`python .*`$", text, re.M)))
        for text in (now, kept)
    ]  # which variable carries [s] is the run's to say
    assert commands[0] == commands[1]
