"""The page of the paper: its claims, its runs, and that nothing is said beyond the tables."""

import math
import re
import shlex
from types import SimpleNamespace

import conftest
import numpy as np
import pandas as pd
import pytest

from wavegan_tf.commands import reproduce
from wavegan_tf.experiments.result import Result, experiment
from wavegan_tf.options import build
from wavegan_tf.paper import judges
from wavegan_tf.paper.claims import CLAIMS
from wavegan_tf.paper.judges import LAYERS, NOT_SHOWN, OTHER, SHOWN
from wavegan_tf.paper.page import page
from wavegan_tf.paper.runs import RUNS, command_line
from wavegan_tf.stats.proof import follow_ranking

FOUND = {"s": "z7", "way": "-15:5:2", "far": "-15:15:5"}
PAGE = conftest.ROOT / "docs" / "paper.md"


def made(**tables):
    """A run of made tables, and no settings."""
    return SimpleNamespace(
        tables=tables, table=lambda name: tables.get(name, pd.DataFrame()), settings={"n_bases": 9}
    )


def probed(r, verdicts, random):
    """A probe's tables: r of each layer from Conv4 on; that of random networks, [n, layers]."""
    about = {"label": "voiced", "measure": "intensity", "channel": 1}
    rows = [
        about | {
            "layer": layer, "statistic": "pearson", "estimate": x, "low": x - 0.05,
            "high": x + 0.05, "n": 250, "n_outputs": 25, "random": 0.5, "random_high": 0.7,
            "n_random": len(random),
            "verdict": verdict,
        }
        for layer, x, verdict in zip(LAYERS, r, verdicts, strict=True)
    ]  # fmt: skip
    controls = [
        about | {"network": k, "layer": layer, "pearson": x}
        for k, each in enumerate(random)
        for layer, x in zip(LAYERS, each, strict=True)
    ]
    return made(correlations=pd.DataFrame(rows), controls=pd.DataFrame(controls))


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


def test_an_order_that_untrained_networks_have_too_is_not_shown():
    r, flat = [0.8, 0.7, 0.6, 0.4], np.tile([0.3, 0.4, 0.3, 0.4], (20, 1))
    like = np.tile([0.86, 0.61, 0.37, 0.21], (20, 1))
    verdicts = ["encoded"] * 4
    assert judges.falls(probed(r, verdicts, flat), "intensity").verdict == SHOWN
    assert judges.falls(probed(r, verdicts, flat[:3]), "intensity").verdict == OTHER  # too few
    assert judges.falls(probed(r, verdicts, like), "intensity").verdict == OTHER
    assert judges.falls(probed(r[::-1], verdicts, flat), "intensity").verdict == OTHER
    assert judges.falls(probed([0.5, 0.52, 0.5, 0.5], verdicts, flat), "intensity").verdict == (
        NOT_SHOWN
    )


def test_networks_that_were_never_trained_show_nothing_that_has_a_control():
    # Each of 20 like networks in the place of the trained one; verdicts are those of the probe,
    # which tests/false_alarms.py counts.
    rng = np.random.default_rng(0)
    random = np.array([0.86, 0.61, 0.37, 0.21]) + rng.normal(0, 0.05, (21, 4))
    for k, own in enumerate(random):
        run = probed(own, ["as random"] * 4, np.delete(random, k, axis=0))
        assert judges.encoded(run, "intensity", LAYERS).verdict == NOT_SHOWN
        assert judges.falls(run, "intensity").verdict != SHOWN


@pytest.mark.parametrize(
    ("estimate", "verdict", "expected"),
    [(0.02, "differs", SHOWN), (0.02, "no difference shown", NOT_SHOWN), (-0.02, "differs", OTHER)],
)
def test_voice_onset_time_is_judged_by_its_difference(estimate, verdict, expected):
    row = {
        "estimate": estimate, "low": estimate - 0.01, "high": estimate + 0.01, "ratio": 1.5,
        "ratio_low": 1.2, "ratio_high": 1.9, "n": 70, "n_with_s": 20, "p_holm": 0.01,
    }  # fmt: skip
    rows = [row | {"source": x, "verdict": verdict} for x in ("outputs", "recordings")]
    found = judges.vot(made(differences=pd.DataFrame(rows)), "outputs", 1)
    assert found.verdict == expected and "70 #TV, 20 #sTV" in found.ours


def test_codes_beyond_training_are_compared_with_those_of_training():
    def run(far):
        shares = {1.0: (0.6, 0.22), 5.0: far}
        rows = [
            {
                "code": code,
                "value": value,
                "estimate": x,
                "low": x - 0.05,
                "high": x + 0.05,
                "n": 99,
            }
            for value, pair in shares.items()
            for code, x in zip(("c1", "c2"), pair, strict=True)
        ]
        tests = [{"value": x, "verdict": "differs", "p_holm": 1e-4} for x in shares]
        return made(codes=pd.DataFrame(rows), code_tests=pd.DataFrame(tests))

    assert judges.codes(run((0.87, 0.02)), 1.0).verdict == SHOWN
    assert judges.codes(run((0.87, 0.02)), 5.0).verdict == SHOWN
    assert judges.codes(run((0.62, 0.22)), 5.0).verdict == NOT_SHOWN
    assert judges.codes(run((0.5, 0.4)), 5.0).verdict == OTHER


def test_proof_follows_ranking_where_it_does():
    ranking = pd.DataFrame({"latent": list("abcdef"), "form": "linear", "estimate": range(6)})
    contrasts = ranking.assign(to_value=4.5, estimate=[0, 1, 2, 4, 3, 5])
    found = follow_ranking(ranking, contrasts, 4.5, 0.95)
    assert found["estimate"] == pytest.approx(1 - 6 * 2 / (6 * 35)) and found["n"] == 6
    assert found["low"] < found["estimate"] < found["high"]
    assert math.isnan(follow_ranking(ranking[:4], contrasts, 4.5, 0.95)["p"])


def test_runs_are_what_their_command_lines_say(tmp_path):
    lines = {name: command_line(name, FOUND) for name in RUNS}
    for line in lines.values():
        name, *words = [reproduce.at_home(x, tmp_path) for x in shlex.split(line)[3:-1]]
        if name != "make_corpus":
            options, given = reproduce.read_flags(name, words)
            build(experiment(name).Options, options)
            assert given["ckpt"].startswith("demo:")
    options, _ = reproduce.read_flags(
        "probe", ["--ckpt=demo:stv", f"--flagfile={reproduce.RECIPES}/probe_wavegan.flags"]
    )
    assert options["n"] == 25 and options["clip"] and options["f0_range"] == (60, 300)
    assert {claim.run for claim in CLAIMS} - {""} <= {*RUNS} and "--vary=z7=-15:5:2" in str(lines)


def test_a_run_that_is_whole_is_not_made_again(tmp_path):
    table = {"x": pd.DataFrame({"y": [1]})}
    result = Result("vot", {"flags": {"n": 5}, "checkpoint": {"sha256": "a"}}, table)
    result.summary = lambda: ""
    result.save(tmp_path, figures=False, page=False)
    assert reproduce.is_whole(tmp_path, {"n": 5}, "a")
    assert not reproduce.is_whole(tmp_path, {"n": 6}, "a")
    assert not reproduce.is_whole(tmp_path, {"n": 5}, "b")


def test_the_page_has_the_claims_and_commands_of_the_list_in_its_order():
    findings = {claim.name: judges.nothing("nothing") for claim in CLAIMS}
    now = page(findings, {name: command_line(name, FOUND) for name in RUNS}, {}, set())
    kept = PAGE.read_text(encoding="utf-8")
    for text in (now, kept):
        assert re.findall(r"^## (.+)$", text, re.M)[:-1] == [claim.title for claim in CLAIMS]
    commands = [
        re.sub(r"(?<=--vary=)z\S+", "", "\n".join(re.findall(r"^`python .*`$", text, re.M)))
        for text in (now, kept)
    ]  # which variable carries [s] is the run's to say
    assert commands[0] == commands[1]
