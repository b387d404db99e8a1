"""identify: a cause known by construction is found and proved; the command as a user runs it."""

import os

import conftest
import numpy as np
import pandas as pd
import planted
import planted_cause
import pytest
from planted_cause import identify

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.identify import (
    AS_CONTROLS,
    Options,
    choose_latents,
    parse_pairs,
    sentences,
)
from wavegan_tf.experiments.result import Result, load_run
from wavegan_tf.experiments.stages import code_conditions, count_clipped
from wavegan_tf.latents import latent_names, sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.speech.settings import IntervalSettings
from wavegan_tf.stats import proof

CIWGAN = "tests/reference/checkpoints/ciwgan"
QUICK = {
    "n_permutations": 199, "n_resamples": 200, "n_selections": 10, "min_class": 5,
    "intervals": IntervalSettings(voicing_floor_hz=100),  # its voice has 100 to 180 Hz
}  # fmt: skip
TWO = {"n": 60, "top": 1, "controls": 0, "values": (-5.0, 5.0), "proof_outputs": 15}
TWO |= {"pairs": "z5*z6", **QUICK}
VALUES = (-5.0, -1.0, 0.0, 1.0, 5.0)


@pytest.fixture(scope="module")
def one():
    """z3 causes the burst; the best latent and one control are proved."""
    return identify(planted.model(), n=150, top=1, controls=1, values=VALUES, **QUICK)


def stage(result, name, table="design"):
    rows = result.table(table)
    return rows[rows["stage"] == name]


def failures(result, kind):
    return [*planted_cause.wrong(result, kind), *planted_cause.missed(result, kind)]


def test_the_cause_is_ranked_first_and_proved_and_the_control_shows_nothing(one):
    best, second = one.table("ranking")[:2].itertuples()
    assert best.estimate > 3 * abs(second.estimate)
    assert not failures(one, "monotone")
    text = one.summary()
    assert (
        "z3 causes frication: 0 % at −1, 100 % at 1 (20 bases, p < 0.001); "
        "controls that may do as much: 0 of 1."
    ) in text
    assert "nan" not in text.lower() and text.index("## What may be") < text.index("\n|")
    assert len(text[: text.index("\n|")].split()) < 400  # conclusions and the first legend
    assert "z3" in one.terminal() and "150 outputs, measured." in one.terminal()
    count = int(one.table("labels")["label"].sum())
    assert f"| frication | {count} | {count / 1.5:.0f} % [" in text


def test_an_even_cause_is_ranked_and_said_as_such():
    found = planted_cause.of_kind("even", 0, n=150, top=1, controls=1, values=VALUES, **QUICK)
    assert not failures(found, "even")
    text = found.summary()
    assert "Above chance in the ranking of 150 outputs: z3 (even)" in text
    assert "z3 causes frication, either way from 0: " in text and "100 % at ±1 (20" in text


def test_what_only_the_screen_finds_is_no_cause_and_what_chance_makes_is_nothing():
    given = {"n": 60, "screen_outputs": 1, "top": 1, "controls": 1, **QUICK}
    found = planted_cause.of_kind("outside", 0, values=VALUES, **given)
    assert not failures(found, "outside") and not len(found.table("ranking"))
    screen = found.table("screen")
    assert len(screen) == 200 and set(screen["latent"][:2]) == {"z3"}
    assert sorted(screen["value"][:2]) == [-15, 15] and set(screen["estimate"][2:]) == {0}
    text = found.summary()
    assert (
        "z3 is shown to move frication only outside the training range, either way from 0: " in text
    )
    assert (
        "0 % at 0, 100 % at ±5" in text and "each was set alone (1 outputs at each value)" in text
    )
    assert found.table("labels")["label"].sum() == 0
    with pytest.raises(InputError, match="--property=frication: 0 of 60 outputs have it"):
        planted_cause.of_kind("outside", 0, **given | {"screen_outputs": 0})


def test_a_product_is_found_by_the_pair_and_claimed_for_neither_alone(tmp_path):
    two = identify(planted.model(("z5", "z6")), **TWO)
    assert not failures(two, "product")
    shares = two.table("pairs").set_index(["value_a", "value_b"])["estimate"]
    assert [shares[v] for v in ((-3, -3), (3, 3), (-3, 3), (3, -3))] == [1, 1, 0, 0]
    text = two.summary()
    assert "Above chance in the ranking of 60 outputs: no latent." in text
    assert "does not show that none carries it" in text
    assert "z5 * z6: interact, interaction" in text
    two.save(tmp_path, figures=False, page=False)
    loaded = load_run(tmp_path)
    assert loaded.summary() == two.summary() and loaded.terminal() == two.terminal()
    again = identify(planted.model(("z5", "z6")), **TWO)
    for name, table in two.tables.items():
        pd.testing.assert_frame_equal(again.table(name), table)


def test_labels_and_shares_are_those_of_the_tables(one):
    has = one.table("outputs").set_index("output")["n_frication"] > 0
    labels = one.table("labels").set_index("output")["label"]
    assert (labels == has[labels.index]).all() and 0 < labels.sum() < len(labels)
    rows = stage(one, "proof").assign(has=lambda table: table["output"].map(has))
    proof = one.table("proof")
    shares = proof[proof["measure"] == "share"].set_index(["latent", "value"])
    assert len(shares) == 10 and set(shares["n"]) == {20}
    pd.testing.assert_series_equal(
        shares["estimate"].sort_index(),
        rows.groupby(["latent", "value"])["has"].mean(),
        check_names=False,
    )


def test_outputs_are_numbered_on_through_the_stages_base_by_base(one):
    design = one.table("design")
    assert (
        list(design["output"]) == list(range(150 + 10 * 20)) == list(one.table("latents")["output"])
    )
    assert list(stage(one, "proof")["base"]) == list(np.repeat(np.arange(20), 10))
    for name in ("outputs", "intervals", "points"):
        assert set(one.table(name)["output"]) <= set(design["output"])
        assert stage(one, "proof", name)["output"].min() >= 150
    assert set(stage(one, "proof", "points")["measure"]) == {"intensity"}


def test_one_latent_moves_and_all_else_stays_at_vectors_that_were_not_ranked_by(one):
    config = planted.model().config
    drawn, names = sample_latents(config, 150 + 20, 0), latent_names(config)
    latents = one.table("latents")[names].to_numpy()
    np.testing.assert_array_equal(latents[:150], drawn[:150])
    for row, z in zip(stage(one, "proof").itertuples(), latents[150:], strict=True):
        expected = drawn[150 + row.base].copy()
        expected[names.index(row.latent)] = row.value
        np.testing.assert_array_equal(z, expected)


def test_a_code_that_causes_it_is_found_and_said_with_the_other_codes():
    model = planted.model(("c2",), model="ciwgan", num_categ=3)
    given = {"n": 45, "top": 1, "controls": 1, "values": (-1.0, 1.0), "proof_outputs": 5}
    result = identify(model, code_outputs=6, code_levels=(1.0,), **given, **QUICK)
    codes = result.table("codes").set_index("code")["estimate"]
    assert codes["c2"] == 1 and max(codes["c1"], codes["c3"]) < 0.2
    tests = result.table("code_tests").set_index("code")
    assert tests.loc["c2", "verdict"] == "differs"
    assert tests.loc["c2", "others"] == pytest.approx((codes["c1"] + codes["c3"]) / 2)
    assert "Code c2 at 1: frication 100 %, the others" in result.summary()
    assert "compared with 0, which is not among the --values" in result.summary()


def test_a_code_of_two_causes_what_goes_with_it_and_0_is_the_other_code():
    model = planted.model(("c1",), model="ciwgan", num_categ=2)
    result = identify(model, n=60, top=2, controls=2, values=(-1.0, 0.0, 1.0), **QUICK)
    text = result.summary()
    assert "c1 causes frication: 0 % at 0, 100 % at 1 (20 bases" in text
    assert "c2 causes frication: 100 % at 0, 0 % at 1 (20 bases" in text
    set_alone = stage(result, "proof")
    codes = result.table("latents").set_index("output").loc[set_alone["output"], ["c1", "c2"]]
    of_codes = (set_alone["latent"].str[0] == "c") & (set_alone["value"] >= 0)
    assert (codes[of_codes.to_numpy()].sum(axis=1) == 1).all()


def test_what_controls_do_as_well_far_outside_is_said_once_of_all(one):
    rows = one.table("findings").assign(verdict=proof.AS_CONTROLS)
    said = sentences(Result("identify", one.settings, one.tables | {"findings": rows}))
    assert f"{AS_CONTROLS} z3 (20 bases)." in said
    assert not any("causes" in each for each in said)


def write_labels(path, texts):
    rows = "".join(f"{i},{text}\n" for i, text in texts.items())
    path.write_text(f"output,label\n{rows}")
    return str(path)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A ciwGAN whose outputs a listener called after their code, with two slips and a gap."""
    model = planted.model(model="ciwgan", num_categ=3)
    codes = sample_latents(model.config, 40, 0)[:, :3].argmax(axis=1)
    texts = {i: ("oily", "rag", "suit")[code] for i, code in enumerate(codes) if i != 7}
    texts[0] = texts[1] = "year"
    path = write_labels(tmp_path_factory.mktemp("words") / "labels.csv", texts)
    return model, codes, texts, path


def test_words_given_by_hand_are_compared_between_codes(words):
    model, codes, texts, path = words
    result = identify(model, n=40, property=None, labels=path, **QUICK)
    assert not len(result.table("ranking")) and not len(result.table("proof"))
    rows = result.table("codes")
    assert list(rows["code"].unique()) == ["c1", "c2", "c3"] and set(rows["value"]) == {1}
    for row in rows.itertuples():
        here = [texts[i] for i in np.flatnonzero(codes == int(row.code[1:]) - 1) if i in texts]
        assert (row.n, row.count) == (len(here), here.count(row.label))
    tests = result.table("code_tests").set_index("code")
    assert tests.loc["all", "verdict"] == "differs"
    labels = result.table("labels").set_index("output")["label"]
    assert labels[7] == "" and labels[0] == "year"
    text = result.summary()
    assert "--label=WORD" in text and "given by hand cannot be counted in new outputs" in text
    assert "40 outputs, labelled by hand; without a label, and left out: 1." in text
    assert "| year | 2 | 5.1 % [" in text


def test_a_word_is_ranked_by_and_a_property_proves(words):
    model, _, _, path = words
    given = {"n": 40, "top": 1, "controls": 0, "values": (0.0, 2.0), "proof_outputs": 2}
    result = identify(model, property="voiced.f0", labels=path, label="rag", **given, **QUICK)
    best = result.table("ranking").iloc[0]
    assert (best["latent"], best["verdict"]) == ("c2", "above chance") and best["estimate"] > 0
    proof = result.table("proof")
    assert set(proof["latent"]) == {"c2"} and set(proof["measure"]) == {"mean"}
    assert proof["estimate"].between(100, 180).all() and set(proof["unit"]) == {"Hz"}
    text = result.summary()
    assert "Which latents go with rag" in text and "Codes were not compared" in text


def test_labels_too_few_are_refused_before_anything_is_generated(tmp_path, capsys):
    path = write_labels(tmp_path / "same.csv", dict.fromkeys(range(30), "yes"))
    with pytest.raises(InputError, match=f"--labels={path}: 30 of 30 .*label more outputs"):
        identify(planted.model(), n=30, property=None, labels=path, **QUICK)
    assert "drawn" not in capsys.readouterr().err


def test_a_property_that_all_or_none_have_is_refused_with_a_way_out():
    with pytest.raises(InputError, match="--property=voicing: 6 of 6 outputs have it.*--n"):
        identify(planted.model(), n=6, property="voicing", **QUICK)


def ranking_table(verdicts, estimates, names=None, forms="linear"):
    names = names or [f"z{k}" for k in range(1, len(verdicts) + 1)]
    about = {"latent": names, "form": forms, "verdict": verdicts, "estimate": estimates}
    return pd.DataFrame(about)


def test_the_best_latents_are_proved_and_controls_are_drawn_from_those_above_chance_in_no_form():
    names = ["z1", "z2", "z2", "z3", "z1", *(f"z{k}" for k in range(4, 10))]
    forms = ["linear", "even", "linear", "linear", "even", *["linear"] * 6]
    verdicts = ["above chance"] * 4 + ["not above chance"] * 6 + ["too few"]
    estimates = [2.0, 1.0, -1.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, np.nan]
    table = ranking_table(verdicts, estimates, names, forms)
    top, controls = choose_latents(table, Options(top=2, controls=4))
    assert top == ["z1", "z2"]
    assert len(controls) == 4 and set(controls) < {"z4", "z5", "z6", "z7", "z8"}
    assert controls == sorted(controls)
    seeds = {tuple(choose_latents(table, Options(top=3, controls=4, seed=s))[1]) for s in range(9)}
    assert len(seeds) > 1


def test_where_a_code_is_proved_codes_are_among_the_controls():
    names = ["c1", *(f"z{k}" for k in range(1, 60)), "c2", "c3"]
    table = ranking_table(["above chance"] + ["not above chance"] * 61, [1.0] * 62, names)
    top, controls = choose_latents(table, Options(top=1, controls=1))
    assert top == ["c1"] and len(controls) == 2 and controls[-1] == "c2"


def test_where_none_is_above_chance_the_best_three_are_proved():
    table = ranking_table(["not above chance"] * 5, [3.0, 2.0, -1.0, 0.5, 0.1])
    top, controls = choose_latents(table, Options(top=7, controls=7))
    assert (top, controls) == (["z1", "z2", "z3"], ["z4", "z5"])


def test_codes_are_single_variables_of_a_ciwgan_and_all_bits_of_a_fiwgan():
    ciwgan = code_conditions(ModelConfig(model="ciwgan", num_categ=2), (1, 5))
    assert [(c.settings, c.about) for c in ciwgan[:3]] == [
        ({"c1": 1}, {"code": "c1", "value": 1}),
        ({"c1": 5}, {"code": "c1", "value": 5}),
        ({"c2": 1}, {"code": "c2", "value": 1}),
    ]
    fiwgan = code_conditions(ModelConfig(model="fiwgan", num_categ=3), (1, 2))
    found = {(c.about["code"], c.about["value"]): c.settings for c in fiwgan}
    assert len(found) == 16 and found["[1,0,1]", 2] == {"c1": 2, "c2": 0, "c3": 2}
    assert code_conditions(ModelConfig(), (1, 2)) == []
    with pytest.raises(InputError, match="128 codes.*--code_outputs=0"):
        code_conditions(ModelConfig(model="fiwgan", num_categ=7), (1,))


def test_clipped_outputs_are_counted_by_value_of_latents_alone():
    design = pd.DataFrame({"output": range(4), "stage": ["drawn"] + ["proof"] * 3,
                           "value": [np.nan, 9.0, 9.0, -9.0]})  # fmt: skip
    outputs = pd.DataFrame({"output": range(4), "channel": 1, "clipped_share": [0, 0.1, 0, 0]})
    table = count_clipped({"design": design, "outputs": outputs})
    proof = table[table["stage"] == "proof"].set_index("value")
    assert proof["estimate"].to_dict() == {-9: 0, 9: 0.5} and proof["n"].to_dict() == {-9: 1, 9: 2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": ()}, "--values=: give 2 or more"),
        ({"values": (5.0,)}, "--values=5: give 2 or more"),
        ({"code_levels": (1.0, 1.0)}, "--code_levels=1,1: a value is given twice"),
        ({"pair_values": (1.0, np.inf)}, "finite numbers"),
        ({"property": "fricative"}, "there is no property 'fricative'"),
        ({"label": "rag"}, "--label=rag: is a word of --labels"),
        ({"pairs": "z1*z2"}, "add the --property"),
        ({"clip": True}, "clip=True: identify measures only the outputs"),
    ],
)
def test_options_that_have_no_meaning_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        Options(**given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z3", "expected pairs"),
        ("z3*z3", "once, with two different latent variables"),
        ("z3*z7,z7*z3", "z7\\*z3: name each pair once"),
        ("z3*z200", "--pairs=z3\\*z200: latent 'z200'"),
        ("top1", "expected pairs .* top2"),
    ],
)
def test_pairs_that_are_none_are_refused(text, words):
    with pytest.raises(InputError, match=words):
        parse_pairs(text, ModelConfig())


def test_values_stand_in_order():
    assert Options(values=(5, -10)).values == (-10, 5)


def test_pairs_are_read_in_order():
    assert parse_pairs("z3*z7, z2*z1", ModelConfig()) == [("z3", "z7"), ("z2", "z1")]
    assert parse_pairs("top3", ModelConfig()) == 3
    assert parse_pairs("", ModelConfig()) == 0


def run(run_script, out_dir, *flags):
    given = ("--ckpt", CIWGAN, "--model=ciwgan", "--jobs=1", "--out_dir", out_dir)
    return run_script("-m wavegan_tf identify", *given, *flags)


def test_the_command_writes_all_it_promises(run_script, tmp_path):
    flags = ["--property=rms_db>-48.4", "--n=30", "--min_class=5", "--n_permutations=99"]
    flags += ["--top=1", "--controls=1", "--values=-1,1", "--audio"]
    flags += ["--proof_outputs=2", "--code_levels=1", "--code_outputs=2", "--pairs=c1*z2"]
    flags += ["--pair_values=-1,1", *conftest.SHORT_WINDOWS]
    result = run(run_script, tmp_path / "found", *flags)
    assert result.returncode == 0, result.stderr
    assert "30 outputs, measured" in result.stdout and "written to" in result.stdout
    found = load_run(tmp_path / "found")
    names = ["labels", "ranking", "proof", "trends", "contrasts", "findings", "codes"]
    names += ["code_tests", "pairs", "interactions", "clipped", "design", "outputs", "intervals"]
    assert set(names) <= set(found.tables)
    assert list(found.table("design")["stage"].unique()) == ["drawn", "proof", "codes", "pairs"]
    assert len(os.listdir(tmp_path / "found" / "audio")) >= 30
    assert found.settings["identify"]["property"] == "rms_db > -48.4"
    assert found.figures == ["ranking", "proof", "doses", "codes", "pairs"]
    for name in found.figures:
        assert (tmp_path / "found" / "figures" / f"{name}.png").stat().st_size > 5_000


def test_a_run_without_a_question_is_refused_and_leaves_nothing(run_script, tmp_path):
    result = run(run_script, tmp_path / "out")
    conftest.assert_refused(result, "--property", "frication")
    assert not (tmp_path / "out").exists()
