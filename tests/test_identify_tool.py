"""identify: a cause known by construction is found and proved; the command as a user runs it."""

import csv
import json
import os
from types import SimpleNamespace

import conftest
import numpy as np
import planted
import planted_cause
import pytest
from planted_cause import identify, table

from wavegan_tf.analysis.causes.hand_labels import Labels
from wavegan_tf.analysis.causes.identify import IdentifySettings
from wavegan_tf.errors import InputError
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.probing import identifying
from wavegan_tf.report import identification, identified
from wavegan_tf.report import identified_words as words_of

CIWGAN = "tests/reference/checkpoints/ciwgan"
QUICK = IdentifySettings(n_permutations=199, n_resamples=200, n_selections=10, min_class=5)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """z3 causes the burst; the best latent and one control are proved."""
    directory = tmp_path_factory.mktemp("one")
    options = {"top": 1, "controls": 1, "values": (-5.0, 0.0, 5.0), "settings": QUICK}
    identify(directory, planted.opened(), 150, proof_outputs=12, **options)
    return directory


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The product of z5 and z6 causes it."""
    directory = tmp_path_factory.mktemp("two")
    options = {"top": 1, "controls": 0, "values": (-5.0, 5.0), "settings": QUICK}
    opened = planted.opened(("z5", "z6"))
    identify(directory, opened, 60, pairs="z5*z6", proof_outputs=10, **options)
    return directory


def test_the_cause_is_ranked_first_and_proved_and_the_control_shows_nothing(one):
    best, second = table(one, "ranking")[:2]
    assert (best["latent"], best["verdict"]) == ("z3", "above chance")
    assert best["effect"] > 3 * abs(second["effect"])
    assert not list(planted_cause.failures_of_one(one))
    assert {row["role"] for row in table(one, "trends")} == {"top", "control"}


def test_a_product_is_found_by_the_pair_and_claimed_for_neither_alone(two):
    assert not list(planted_cause.failures_of_two(two))
    shares = {(r["value_a"], r["value_b"]): r["share"] for r in table(two, "pairs")}
    assert [shares[v] for v in ((-3, -3), (3, 3), (-3, 3), (3, -3))] == [1, 1, 0, 0]


def test_labels_and_shares_are_those_of_the_tables(one):
    for directory, name in ((one, "labels"), (one / "proof", None)):
        has = {r["id"]: int(r["n_frication"]) > 0 for r in rows_of(directory / "outputs.csv")}
        if name:
            labels = {row["id"]: row["label"] for row in rows_of(one / "labels.csv")}
            assert labels == {i: str(int(x)) for i, x in has.items()}
            assert 0 < sum(has.values()) < len(has)
    cells = {}
    for row in rows_of(one / "proof" / "steps.csv"):
        cells.setdefault((row["latent"], float(row["value"])), []).append(has[row["id"]])
    proof = {(row["latent"], row["value"]): row for row in table(one, "proof")}
    assert proof.keys() == cells.keys() and len(cells) == 6
    for key, found in cells.items():
        assert (proof[key]["n"], proof[key]["share"]) == (12, np.mean(found))


def test_contrasts_are_differences_of_shares_within_the_same_vectors(one):
    shares = {(row["latent"], row["value"]): row["share"] for row in table(one, "proof")}
    rows = table(one, "contrasts")
    assert [(row["from_value"], row["to_value"]) for row in rows] == [(-5, 5)] * 2
    for row in rows:
        difference = shares[row["latent"], 5] - shares[row["latent"], -5]
        np.testing.assert_allclose(row["difference"], difference, atol=1e-12)
        assert row["n_bases"] == 12
    assert [row["verdict"] for row in rows] == ["changes", "no change shown"]


def test_what_comes_and_goes_along_a_sweep_is_found_where_it_has_no_slope():
    values, base = np.tile([-9.0, -1.0, 0.0, 1.0, 9.0], 20), np.repeat(np.arange(20), 5)
    y = ((values == 1) & (base % 4 > 0)).astype(float)
    steps = {"latent": np.full(100, "z2"), "role": np.full(100, "top")}
    steps |= {"value": values, "base": base}
    rows = identification._contrasts(steps, y, 0, IdentifySettings())
    found = [(row["to_value"], row["difference"], row["verdict"]) for row in rows]
    assert found == [(1, 0.75, "changes"), (9, 0, "no change shown")]


def test_a_variable_of_the_code_is_compared_with_0_for_its_mirror_image_is_no_code():
    values, base = np.tile([-1.0, 0.0, 1.0], 20), np.repeat(np.arange(20), 3)
    y = ((np.abs(values) == 1) & (base % 4 > 0)).astype(float)  # as much at -1 as at 1
    steps = {"latent": np.full(60, "c2"), "role": np.full(60, "top")}
    steps |= {"value": values, "base": base}
    names = ("from_value", "to_value", "difference", "verdict")
    rows = identification._contrasts(steps, y, 0, IdentifySettings())
    found = [tuple(row[name] for name in names) for row in rows]
    assert found == [(0, -1, 0.75, "changes"), (0, 1, 0.75, "changes")]
    there = values != 0
    steps = {name: column[there] for name, column in steps.items()}
    assert identification._contrasts(steps, y[there], 0, IdentifySettings()) == []


def test_doses_are_means_of_the_loudest_point_measured(one):
    steps = {r["id"]: r for r in rows_of(one / "proof" / "steps.csv")}
    levels = {}
    for row in rows_of(one / "proof" / "measurements.csv"):
        assert row["measure"] == "intensity"
        levels.setdefault((row["label"], row["id"]), []).append(float(row["value"]))
    for row in table(one, "proof"):
        here = [i for i, s in steps.items() if s["latent"] == row["latent"]]
        here = [i for i in here if float(steps[i]["value"]) == row["value"]]
        for label in ("frication", "voiced"):
            found = [max(levels[label, i]) for i in here if (label, i) in levels]
            mean = np.mean(found) if found else np.nan
            np.testing.assert_allclose(row[f"{label}_db"], mean)


def test_one_latent_moves_and_all_else_stays_at_vectors_that_were_not_ranked_by(one):
    config = planted.opened().config
    bases = sample_latents(config, 150 + 12, 0)[150:]
    names, latents = identification.read_latents(one / "proof")
    for row, z in zip(rows_of(one / "proof" / "steps.csv"), latents, strict=True):
        expected = bases[int(row["base"])].copy()
        expected[names.index(row["latent"])] = float(row["value"])
        np.testing.assert_array_equal(z.astype(np.float32), expected)
    _, drawn = identification.read_latents(one)
    np.testing.assert_array_equal(drawn.astype(np.float32), sample_latents(config, 150, 0))


def test_a_code_that_causes_it_is_said_to_everywhere(tmp_path):
    opened = planted.opened(("c2",), model="ciwgan", num_categ=3)
    options = {"top": 1, "controls": 1, "values": (-1.0, 1.0), "settings": QUICK}
    options |= {"proof_outputs": 5, "code_outputs": 6, "code_levels": (1.0,)}
    identify(tmp_path, opened, 45, **options)
    codes = {row["code"]: row["share"] for row in table(tmp_path, "codes")}
    assert codes["c2"] == 1 and max(codes["c1"], codes["c3"]) < 0.2
    others = f"{50 * (codes['c1'] + codes['c3']):.0f} %"
    said = f"at 1: 100 %, the others {others}"
    terminal = identified.table_text(tmp_path)
    text = identified.write_summary(tmp_path).read_text()
    assert f"\ncode c2 {said} (p " in terminal and f"above chance; as a code {said}" in terminal
    assert f"as a code {said})**. That is a cause" in text
    assert f"each code set, all else frozen; `code_tests.csv`): **c2** ({said})." in text
    assert "no change shown when set" not in text
    assert "compared with 0, which is not among the --values" in text


def made(codes, verdicts, levels=(1.0,), **more):
    """What an identification found about codes: counts of 8 by code, and verdicts."""
    rows = [
        {"code": code, "value": v, "label": label, "n": 8, "count": k, "share": k / 8}
        for v in levels for code, counts in codes.items() for label, k in counts.items()
    ]  # fmt: skip
    tests = [{"code": code, "value": v, "p_holm": 0.01, "verdict": verdict}
             for v in levels for code, verdict in verdicts.items()]  # fmt: skip
    return SimpleNamespace(codes=rows, code_tests=tests, **more)


def test_of_several_words_the_one_that_a_code_differs_in_most_is_named():
    counts = {"c1": {"rag": 6, "suit": 2}, "c2": {"rag": 0, "suit": 8}, "c3": {"rag": 1, "suit": 7}}
    verdicts = {"c1": "differs", "c2": "no difference shown", "c3": "too few", "all": "differs"}
    found = made(counts, verdicts)
    assert words_of.code_lines(found) == [
        "code c1 at 1: rag 75 %, the others 6 % (p 0.010, Holm)"  # 1 of 16
    ]
    (row,) = words_of.code_differences(found.codes, found.code_tests)
    assert (row["share"], row["others"], row["label"]) == (0.75, 1 / 16, "rag")


@pytest.mark.parametrize(
    ("single", "overall", "line"),
    [
        ("no difference shown", "no difference shown", "codes: no difference shown"),
        ("too few", "too few", "codes: too few to compare"),
        ("no difference shown", "differs", "codes: they differ among each other at 1, no single"),
    ],
)
def test_codes_of_which_none_differs_get_one_line(single, overall, line):
    found = made({"c1": {"x": 1}, "c2": {"x": 2}}, {"c1": single, "c2": single, "all": overall})
    (text,) = words_of.code_lines(found)
    assert text.startswith(line)
    assert words_of.code_lines(made({}, {})) == []


def test_values_at_which_most_outputs_are_clipped_are_named():
    shares = {"proof": {(-9.0,): 0.5, (1.0,): 0.0, (9.0,): 0.6}, "codes": {(1.0,): 0.4}}
    assert words_of._clipping(SimpleNamespace(clipped=shares)) == [
        "Most outputs are clipped at 9 (proof/): what is measured there says little of speech."
    ]
    shares["pairs"] = {(-5.0, 5.0): 0.9}
    (text,) = words_of._clipping(SimpleNamespace(clipped=shares))
    assert "9 (proof/); -5 * 5 (pairs/)" in text
    assert words_of._clipping(SimpleNamespace(clipped={})) == []


def test_every_table_can_be_made_again_from_the_files(one, two):
    for directory in (one, two):
        identified.write_summary(directory)
        before = {p.name: p.read_bytes() for p in directory.glob("*.*")}
        identification.write_ranking(directory)
        identification.write_proof(directory)
        identified.write_summary(directory)
        if directory == two:
            identification.write_pairs(directory)
        assert {p.name: p.read_bytes() for p in directory.glob("*.*")} == before
        assert {"labels.csv", "ranking.csv", "proof.csv", "trends.csv"} <= set(before)


def test_the_summary_says_what_may_be_concluded_and_what_not(one, two):
    text = (one / "summary.md").read_text()
    assert "**z3 (rises, +100 points at 5 against -5)**. That is a cause" in text
    assert "Of 1 controls" in text and ", 0 change the share of `frication`" in text
    assert "nan" not in text.lower()
    text = (two / "summary.md").read_text()
    assert "z5 * z6 (neither shown to do so alone)" in text
    assert "No latent goes with `frication` above chance" in text
    assert "were generated all the same" in text


def ranking_rows(verdicts, effects):
    return [
        {"latent": f"z{k}", "verdict": verdict, "effect": effect}
        for k, (verdict, effect) in enumerate(zip(verdicts, effects, strict=True), start=1)
    ]


def request(**options):
    given = {**planted_cause.REQUEST, "wanted": None, "labels": None, "seed": 0, **options}
    return identifying.Request(**given)


def test_latents_above_chance_are_proved_first_and_controls_are_drawn_from_the_rest():
    verdicts = (
        ["above chance", "not above chance", "above chance"]
        + ["not above chance"] * 5
        + ["too few"]
    )
    rows = ranking_rows(verdicts, [2.0, 1.0, -1.0, 0.5, 0.4, 0.3, 0.2, 0.1, np.nan])
    top, controls, together = identifying.choose_latents(rows, request(top=3, controls=4))
    assert top == ["z1", "z3", "z2"]
    assert together == {"z1": 1, "z3": -1}
    assert len(controls) == 4 and set(controls) < {"z4", "z5", "z6", "z7", "z8"}
    assert controls == sorted(controls)
    others = {tuple(identifying.choose_latents(rows, request(seed=s))[1]) for s in range(9)}
    assert len(others) > 1


def test_where_none_is_above_chance_the_best_three_are_proved():
    rows = ranking_rows(["not above chance"] * 5, [3.0, 2.0, -1.0, 0.5, 0.1])
    top, controls, together = identifying.choose_latents(rows, request(top=7, controls=7))
    assert (top, controls) == (["z1", "z2", "z3"], ["z4", "z5"])
    assert together == {"z1": 1, "z2": 1, "z3": -1}


def test_codes_are_single_variables_of_a_ciwgan_and_all_bits_of_a_fiwgan():
    ciwgan = ModelConfig(model="ciwgan", num_categ=2)
    expected = [("c1", 1, {"c1": 1}), ("c1", 5, {"c1": 5}), ("c2", 1, {"c2": 1})]
    assert identifying.code_settings(ciwgan, (1, 5))[:3] == expected
    fiwgan = identifying.code_settings(ModelConfig(model="fiwgan", num_categ=3), (1, 2))
    assert len(fiwgan) == 16
    assert ("[1,0,1]", 2, {"c1": 2, "c2": 0, "c3": 2}) in fiwgan
    assert identifying.code_settings(ModelConfig(), (1, 2)) == []
    with pytest.raises(InputError, match="128 codes.*--code_outputs=0"):
        identifying.code_settings(ModelConfig(model="fiwgan", num_categ=7), (1,))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "--values=: at least 2 values are needed, for example -5,5"),
        (["5"], "at least 2 values"),
        (["1", "1.0"], "given twice"),
        (["1", "x"], "expected numbers"),
        (["1", "inf"], "expected numbers"),
    ],
)
def test_values_that_are_none_are_refused(texts, words):
    with pytest.raises(InputError, match=words):
        identifying.parse_values("--values", texts, 2, "-5,5")


def test_values_stand_in_order():
    assert identifying.parse_values("--values", ["5", "-1e1"], 1, "") == (-10, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z3", "expected pairs"),
        ("z3*z3", "is one latent"),
        ("z3*z7,z7*z3", "given twice"),
        ("z3*z200", "--pairs=z3\\*z200: latent 'z200'"),
        ("top1", "expected top2"),
    ],
)
def test_pairs_that_are_none_are_refused(text, words):
    with pytest.raises(InputError, match=words):
        identifying.parse_pairs(text, ModelConfig())


def test_pairs_are_read_in_order():
    assert identifying.parse_pairs("z3*z7, z2*z1", ModelConfig()) == [("z3", "z7"), ("z2", "z1")]
    assert identifying.parse_pairs("top3", ModelConfig()) == 3
    assert identifying.parse_pairs("", ModelConfig()) == 0


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A ciwGAN whose outputs a listener called after their code, with two slips and a gap."""
    directory = tmp_path_factory.mktemp("words")
    opened = planted.opened(model="ciwgan", num_categ=3)
    codes = sample_latents(opened.config, 40, 0)[:, :3].argmax(axis=1)
    texts = {i: ("oily", "rag", "suit")[code] for i, code in enumerate(codes) if i != 7}
    texts[0] = texts[1] = "year"
    identify(directory, opened, 40, wanted=None, labels=Labels("categories", texts), settings=QUICK)
    return directory, codes, texts


def test_words_given_by_hand_are_compared_between_codes(words):
    directory, codes, texts = words
    assert not table(directory, "ranking") and not table(directory, "proof")
    for row in table(directory, "codes"):
        here = [texts[i] for i in np.flatnonzero(codes == int(row["code"][1:]) - 1) if i in texts]
        assert (row["value"], row["n"]) == (1, len(here))
        assert row["count"] == here.count(row["label"])
    assert list(dict.fromkeys(row["code"] for row in table(directory, "codes"))) == [
        "c1", "c2", "c3",
    ]  # fmt: skip
    overall = [row for row in table(directory, "code_tests") if row["code"] == "all"]
    assert [row["verdict"] for row in overall] == ["differs"]
    labels = {row["id"]: row["label"] for row in rows_of(directory / "labels.csv")}
    assert labels["7"] == "NaN" and labels["0"] == "year"
    text = identified.write_summary(directory).read_text()
    assert "--label=WORD ranks the latents" in text
    assert "labels by hand cannot be counted in new outputs" in text


def test_a_word_is_ranked_by_and_a_property_proves(words, tmp_path):
    _, codes, texts = words
    opened = planted.opened(model="ciwgan", num_categ=3)
    labels = Labels("categories", texts)
    options = {"top": 1, "controls": 0, "values": (0.0, 2.0), "proof_outputs": 2}
    options |= {"settings": QUICK, "label": "rag"}
    identify(tmp_path, opened, 40, wanted="voiced.f0", labels=labels, **options)
    best = table(tmp_path, "ranking")[0]
    assert (best["latent"], best["verdict"]) == ("c2", "above chance") and best["effect"] > 0
    proof = table(tmp_path, "proof")
    assert {row["latent"] for row in proof} == {"c2"}
    assert all(np.isnan(row["share"]) and 100 < row["mean"] < 180 for row in proof)
    text = identified.write_summary(tmp_path).read_text()
    assert "have the label `rag`" in text and "Codes were not compared" in text


def test_a_property_that_all_or_none_have_is_refused_with_a_way_out(tmp_path):
    for wanted, found in (
        ("voicing", "--property=voicing: every output of 6"),
        ("voiced.f0>400", "--property=voiced.f0>400: no output of 6"),
        ("clipped_share", "all 6|6 outputs have a value"),
    ):
        with pytest.raises(InputError, match=found) as error:
            identify(tmp_path / wanted[:9], planted.opened(), 6, wanted=wanted, settings=QUICK)
        assert "--n" in str(error.value)


def run(run_script, out_dir, *flags):
    given = ("--ckpt", CIWGAN, "--model=ciwgan", "--jobs=1", "--out_dir", out_dir)
    return run_script("-m wavegan_tf.tools.identify", *given, *flags)


def test_the_command_writes_all_it_promises(run_script, tmp_path):
    flags = ["--property=rms_db>-48.4", "--n=30", "--min_class=5", "--n_permutations=99"]
    flags += ["--n_resamples=100", "--n_selections=10", "--top=1", "--controls=1", "--values=-1,1"]
    flags += ["--proof_outputs=2", "--code_levels=1", "--code_outputs=2", "--pairs=c1*z2"]
    flags += ["--pair_values=-1,1", *conftest.SHORT_WINDOWS]
    result = run(run_script, tmp_path / "found", *flags)
    assert result.returncode == 0, result.stderr
    assert "of 30 have the property" in result.stdout and "written to" in result.stdout
    found = tmp_path / "found"
    names = {"config.json", "latents.csv", "outputs.csv", "intervals.csv", "measurements.csv"}
    tables = ["labels", "ranking", "proof", "trends", "contrasts", "codes", "code_tests"]
    names |= {f"{name}.csv" for name in (*tables, "pairs", "interactions")}
    names |= {"proof", "codes", "pairs", "figures", "summary.md"}
    assert set(os.listdir(found)) == names
    config = json.loads((found / "config.json").read_text())
    assert config["command"] == "identify" and config["flags"]["pairs"] == "c1*z2"
    assert config["identify"]["property"] == "rms_db>-48.4"
    assert (found / "figures" / "ranking.png").stat().st_size > 10_000


def test_bad_input_is_refused_in_words_and_leaves_nothing(run_script, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n0,rag\n12,oily\n")
    same = tmp_path / "same.csv"
    same.write_text("id,label\n" + "".join(f"{i},yes\n" for i in range(10)))
    for flags, words in (
        ((), ["--property", "frication"]),
        (("--property=frication", "--values="), ["--values=", "-25,-15"]),
        (("--labels", same, "--n=10"), [f"--labels={same}: all 10 labels are yes"]),
        (("--labels", labels, "--n=10"), ["row 3 labels output 12", "10 outputs (0 .. 9)"]),
    ):
        result = run(run_script, tmp_path / "out", *flags)
        conftest.assert_refused(result, *words)
        assert "drawing" not in result.stderr
        assert not (tmp_path / "out").exists()
