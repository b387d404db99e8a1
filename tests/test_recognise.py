"""Words recognised by Q: assignments, scores, chance, unseen words; runs on planted recordings."""

import itertools

import conftest
import numpy as np
import pandas as pd
import planted_recognise as planted
import pytest
import scipy
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.recognise import Options, read_answers, run
from wavegan_tf.model import load
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.stats import recognition as stats
from wavegan_tf.stats.resampling import StatisticsSettings

RNG = np.random.default_rng(0)


def test_the_assignment_is_the_best_of_all():
    counts = RNG.integers(1, 9, size=(4, 5))
    ways = itertools.permutations(range(5), 4)
    best = max(sum(counts[k, code] for k, code in enumerate(way)) for way in ways)
    found = stats.assign(counts)
    assert counts[np.arange(4), found].sum() == best and len(set(found)) == 4
    two_codes = np.array([[9, 0], [8, 1], [7, 6], [0, 0]])
    assert stats.assign(two_codes, 2).tolist() == [0, 0, 1, -1]  # at most two words each


def test_codes_are_assigned_on_the_other_folds():
    words = np.repeat([0, 1], 6)
    codes = np.array([0, 0, 0, 1, 1, -1, 1, 1, 1, 1, 0, 0])
    folds = np.tile([0, 1, 2], 4)
    right = np.zeros(12, bool)
    for fold in range(3):
        taught = folds != fold
        same = np.mean(codes[taught] == words[taught])
        other = np.mean(codes[taught] == 1 - words[taught])
        for i in np.flatnonzero(~taught):
            right[i] = codes[i] == (words[i] if same > other else 1 - words[i])
    found, [share] = stats.score_codes(words[np.newaxis], codes, folds, 1)
    np.testing.assert_array_equal(found, right)
    assert share == right.mean()


def test_curves_are_read_as_scikit_learn_would_and_p_counts_the_draws():
    words = np.repeat([0, 1, 2], 10)
    curves = RNG.standard_normal([30, 8]) + words[:, np.newaxis]
    task = stats.make_task(words, None, 99)
    _, shares = stats.score_curves(task.drawn, curves, task.folds)
    classifier = make_pipeline(StandardScaler(), RidgeClassifier(0.1 * 24))
    for row in (0, 5):
        said = cross_val_predict(
            classifier, curves, task.drawn[row], cv=PredefinedSplit(task.folds)
        )
        right, _ = stats.score_curves(task.drawn[[row]], curves, task.folds)
        np.testing.assert_array_equal(right, said == task.drawn[row])
        assert shares[row] == pytest.approx(right.mean())
    table = stats.judge_layers(task, {"input": curves}, [], "input", StatisticsSettings())
    assert table["by_layer"]["beyond_envelope_p"].isna().all()  # which has nothing beside it
    assert stats.beside_chance(shares)["p"] == np.mean(shares >= shares[0] - 1e-9)


def test_no_speaker_is_on_both_sides_and_words_are_drawn_within_speakers():
    words, speakers = np.tile(["a", "b"], 20), np.repeat(list("pqrs"), 10)
    speakers[0] = "s"
    task = stats.make_task(words, speakers, 20)
    assert (pd.Series(task.folds).groupby(speakers).nunique() == 1).all()
    assert len(set(task.folds)) == 4
    for speaker in "pqrs":
        drawn = np.sort(task.drawn[:, speakers == speaker], axis=1)
        assert (drawn == drawn[0]).all()
    assert (task.drawn[1:] != task.drawn[0]).any()
    apart = stats.make_task(words, None, 20)
    by_fold = pd.crosstab(apart.folds, words)
    assert (by_fold == 4).all(axis=None)


def test_beyond_random_weights_needs_a_spread_and_the_first_rank():
    settings = StatisticsSettings()
    same = stats.beside_networks(0.5, [0.2] * 9, settings)
    assert same["p_random"] == pytest.approx(0.1) and same["random_high"] == 0.2
    assert stats.beside_networks(0.2, [0.2] * 9, settings)["p_random"] == 1
    skewed = stats.beside_networks(0.5, [0.2] * 19 + [0.21, 0.55], settings)
    assert skewed["p_random"] < 0.05 and skewed["n_random_as_large"] == 1
    table = pd.DataFrame([{"p": 0.001, **skewed}])
    assert stats.add_verdicts(table, settings)["verdict"].tolist() == [stats.ABOVE]


def test_unseen_words_are_compared_as_words():
    words = np.repeat(list("abcde"), 4)
    values = RNG.random(20)
    found = stats.compare_words(values, words, words > "c", 0.95)
    means = values.reshape(5, 4).mean(axis=1)
    expected = scipy.stats.ttest_ind(means[:3], means[3:])
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["estimate"] == pytest.approx(means[:3].mean() - means[3:].mean())
    codes = np.array([0, 0, 0, 1, *RNG.integers(-1, 3, 16)])
    drawn = stats.draw_words(np.repeat(np.arange(5), 4), np.zeros(20), 199)
    word = stats.judge_unseen(words, words == "a", [codes], None, 199, StatisticsSettings()).iloc[0]
    shares = [max(np.mean(codes[row == 0] == k) for k in (-1, 0, 1, 2)) for row in drawn]
    assert (word["code"], word["estimate"]) == (0, 0.75)
    assert word["p"] == np.mean(np.array(shares) >= 0.75)
    assert word["entropy_bits"] == pytest.approx(-0.75 * np.log2(0.75) + 0.25 * 2)


def test_answers_are_codes_and_how_probable_they_are():
    logits = np.array([[0.0, 2.0, 1.0], [-1.0, 0.5, 3.0]])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    code, sure = read_answers(logits, ModelConfig(model="ciwgan", num_categ=3))
    assert code.tolist() == ["c2", "c3"] and sure == pytest.approx(p.max(axis=1))
    of_port = ModelConfig(model="ciwgan", num_categ=2, q_unknown=True)
    assert read_answers(logits, of_port)[0].tolist() == ["c2", "none"]
    code, sure = read_answers(logits[1:], ModelConfig(model="fiwgan", num_categ=3))
    bits = [1 / (1 + np.exp(-abs(x))) for x in logits[1]]
    assert code.tolist() == ["011"] and sure == pytest.approx([np.prod(bits)])


def test_what_is_planted_is_said_and_drawn(drawn, eagerly):
    result = planted.recognised(0, each=8, controls=3, n_permutations=99)
    row = result.table("recognition").iloc[0]
    assert row["low"] < planted.RIGHT < row["high"] and row["p"] == 0.01
    layers = result.table("by_layer").set_index("layer")
    assert (layers.loc[["input", "conv1", "conv2"], "verdict"] == stats.NOT_SHOWN).all()
    assert (layers.loc[list(planted.TOLD), "estimate"] == 1).all()
    code = result.table("words").set_index("word")["code"]
    assert code.tolist() == [f"c{1 + k}" for k in range(5)]
    answers = result.table("answers")
    seen = answers[answers["role"] == "seen"]
    assert (seen["right"] == (seen["code"] == seen["word"].map(code))).all()
    text = result.summary()
    assert f"of {len(seen)} recordings" in text and "differs." in text and "| ours | c6 |" in text
    shown = [conftest.said(result.figure(name)) for name in result.figures]
    assert result.figures == ["confusion", "by_layer", "curves"]
    assert "speakers" not in text  # there are none
    assert (
        "The codes of the Q-network agree with the words in" in text
        and "beyond chance and random" in text
    )
    assert "<= 0.0" in text and "not more than the sound" not in text
    curves = result.table("curves")
    assert curves["p_layers"].to_numpy() == pytest.approx(np.minimum(1, 6 * curves["p"]))
    result.tables["by_layer"].loc[0, "estimate"] = 0.99  # the envelope does as well
    assert "not more than the sound's envelope does" in result.summary()
    lone = result.table("by_layer")
    result.tables["by_layer"] = lone[lone["layer"].isin(["input", "conv3"])]
    assert "." in [line.get_marker() for line in result.figure("by_layer").axes[0].lines]
    assert "ours (8)" in shown[0] and "Conv5" in shown[1] and "Input: envelope" in shown[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "add --wav_dir"),
        ({"word": "(vowel)"}, "words are vowel; two or more.*--word"),
        (
            {"unseen": "uh"},
            "--unseen=uh: there is no recording of this word; the words are vowel0, vowel1",
        ),
        ({"speaker": "(vowel)"}, "--speaker=.vowel.: finds vowel only; leave out --speaker"),
        ({"speaker": "([0-4]).wav"}, "--speaker=.*finds no speaker in vowel5.wav"),
        ({"speaker": "(("}, r"--speaker=\(\(: not a regular expression"),
    ],
)
def test_what_cannot_be_recognised_is_refused(options, words, speech_dir, tmp_path):
    given = {"wav_dir": str(speech_dir)} if options else {}
    with pytest.raises(InputError, match=words):
        run(planted.model(), Options(**given, **options))
    for name in ("a_1.wav", "b_1.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    with pytest.raises(InputError, match="none of its recordings can be read; .*a_1.wav"):
        run(planted.model(), Options(wav_dir=str(tmp_path)))
    with pytest.raises(InputError, match="has no Q-network"):
        run(load("demo:reduplication"), Options(wav_dir=str(speech_dir)))
