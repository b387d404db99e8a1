"""A model beside its corpus: spectra, sets, copies, words; a run on a planted generator."""

import dataclasses
from types import SimpleNamespace

import conftest
import numpy as np
import pandas as pd
import planted_evaluate as planted
import pytest
import scipy
import tensorflow as tf
from scipy.io import wavfile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.data.recordings import word_of
from wavegan_tf.errors import InputError
from wavegan_tf.experiments import evaluate, labelled
from wavegan_tf.experiments.result import load_run
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.speech.outputs import Plan
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.speech.spectra import has_high_stretch, high_frames, log_mel
from wavegan_tf.stats import likeness, naming
from wavegan_tf.stats.resampling import StatisticsSettings

RNG = np.random.default_rng(0)
CONFIG = ModelConfig(model="ciwgan", num_categ=2, dim=1)


def test_spectra_know_the_band_of_a_tone_and_no_level():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16384) / 16000)
    mel = log_mel(tone, 16000)
    place = 31 * (2595 * np.log10(1 + 1000 / 700) - 78) / (2840 - 78)
    assert mel.shape == (64, 32) and abs(mel[30].argmax() - place) <= 1
    np.testing.assert_allclose(log_mel(0.01 * tone + 0.3, 16000), mel, atol=1e-3)
    assert mel.max() == 40 and not log_mel(np.zeros(16384), 16000).any()


def test_s_is_high_frication_that_lasts():
    noise = np.zeros(16000)
    band = scipy.signal.butter(6, (5000, 7500), "bandpass", fs=16000, output="sos")
    noise[4000:6000] = scipy.signal.sosfilt(band, RNG.standard_normal(2000))
    high = high_frames(noise, 16000, 4500, 0.5)
    assert has_high_stretch(high, [(0.2, 0.4)], 0.03)
    assert not has_high_stretch(high, [(0.5, 0.9)], 0.03)
    assert not has_high_stretch(high, [(0.24, 0.27)], 0.03)


def test_the_discrepancy_is_that_of_its_definition():
    x, y = RNG.random([6, 4]), RNG.random([5, 4])
    both = np.concatenate([x, y])
    squares = scipy.spatial.distance.pdist(both, "sqeuclidean")
    kernel = rbf_kernel(both, gamma=1 / (2 * np.median(squares)))
    np.testing.assert_allclose(likeness.similarities(both), kernel)
    own = (np.arange(11) < 6).astype(float)[:, np.newaxis]
    [found] = likeness.discrepancy(likeness.pair_means(kernel, own, 1 - own))
    within = [
        (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel[:6, :6], kernel[6:, 6:])
    ]
    assert found == pytest.approx(sum(within) - 2 * kernel[:6, 6:].mean())


def test_the_nearest_is_found_at_a_shift():
    sounds = RNG.random([8, 64, 32]).astype(np.float32)
    sounds[:, :4] = sounds[:, -4:] = 0
    moved = np.roll(sounds, 2, axis=1)
    distances, places = likeness.nearest(moved, sounds)
    assert places.tolist() == list(range(8)) and (distances[:, 0] < 1e-2).all()
    distances, places = likeness.nearest(sounds[:4], sounds[4:])
    assert (distances[:, 0] <= distances[:, 1]).all()
    unshifted = np.sqrt(np.mean((sounds[0] - sounds[4 + places[0]]) ** 2))
    assert 0 < distances[0, 0] <= unshifted + 1e-5


def test_copies_are_counted_below_what_recordings_have():
    recordings = np.stack([np.arange(1, 41.0), np.full(40, 50.0)], axis=1)
    outputs = np.stack([np.repeat([0.5, 30.0], [8, 12]), np.full(20, 50.0)], axis=1)
    table, near = likeness.find_copies(outputs, recordings, StatisticsSettings())
    assert table["estimate"].tolist() == [0.4, 0.4] and near.tolist() == [True] * 8 + [False] * 12
    drawn = [
        np.flatnonzero(~(RNG.permutation(60) < 20))[1] - 1 >= 8 for _ in range(20000)
    ]  # outputs before the second recording, in a random order
    assert table["p"][0] == pytest.approx(np.mean(drawn), abs=2e-3)


def test_copies_are_told_and_a_classifier_that_knows_nothing_judges_nothing():
    assert planted.sets("copies", 0, 20, 30)["verdict"]["nearer"] == likeness.COPIES
    words, codes = np.repeat(list("pq"), 10), np.tile(["c1", "c2"], 10)
    mel = np.stack([planted.hear([planted.take(x, RNG)]).mel[0] for x in "pq" * 10])
    given = StatisticsSettings(n_resamples=100)
    nothing = labelled.learn(np.ones([20, 261]), words, None, given)  # all recordings are alike
    assert set(labelled.name_outputs(nothing, mel, codes, 0, given)) == {"classifier"}


@pytest.mark.parametrize("n_words", [2, 3])
def test_the_classifier_is_that_of_scikit_learn(n_words):
    x, words = RNG.normal(3, 5, [40, 6]), np.array(list("abcd"))[np.arange(40) % n_words]
    own = make_pipeline(StandardScaler(), LogisticRegression(C=naming.PENALTY, max_iter=2000))
    p = own.fit(x, words).predict_proba(x)
    said, sure = naming.name_words(naming.learn_words(x, words), x)
    np.testing.assert_allclose(sure, p.max(axis=1))
    assert said.tolist() == own.predict(x).tolist()


def test_an_s_that_is_repeated_at_a_stride_is_found_as_z():
    band = scipy.signal.butter(6, (5000, 7500), "bandpass", fs=16000, output="sos")
    hiss = scipy.signal.sosfilt(band, RNG.standard_normal(4000))
    vowel = np.sin(2 * np.pi * 125 * np.arange(4000)[:, np.newaxis] / 16000 * [1, 2, 3]).sum(1)
    bank = np.zeros([3, 16384, 1], np.float32)
    for sound, here in zip(bank, (hiss, np.tile(hiss[500:628], 31), vowel), strict=True):
        sound[4000 : 4000 + len(here), 0] = 0.2 * here / here.std()
    model = SimpleNamespace(q=None, config=CONFIG, run=lambda _, z: {"out": bank[: len(z)]})
    options = evaluate.Options(jobs=1)
    plan = Plan(
        layers=CONFIG.layers[-1:], target="out", sample_rate_hz=16000, slice_len=16384,
        praat=options.praat, intervals=options.intervals,
    )  # fmt: skip
    tables, sounds, _ = evaluate.generate(model, np.zeros([3, 100]), options, plan)
    found = tables["outputs"], tables["intervals"], sounds
    _, has = evaluate.take_values(*found, evaluate.OUTPUTS, 16000, options)
    assert has["[s]"].tolist() == [True, False, False]
    assert has["[z]"].tolist() == [False, True, False]


def test_words_that_only_speakers_prefer_are_not_named_above_chance():
    assert sum(planted.deaf(seed) for seed in range(3)).tolist() == [0, 0]


def test_words_and_speakers_are_read_from_names():
    names = {
        "7_jackson_3.wav": "7",
        "left/ab_nohash_0.wav": "left",
        "x/two words/a.wav": "two words",
    }
    assert {name: word_of(name, labelled.WORD) for name in names} == names
    assert word_of("7_jackson_3.wav", labelled.SPEAKER) == "jackson"
    assert word_of("left/ab_nohash_0.wav", labelled.SPEAKER) == ""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Takes of two words by two speakers."""
    folder = tmp_path_factory.mktemp("corpus")
    for i in range(24):
        sound = planted.take("pq"[i % 2], RNG)[:, 0]
        path = folder / f"{'pq'[i % 2]}_{'ab'[i // 12]}_{i}.wav"
        wavfile.write(path, 16000, (0.5 * sound / np.abs(sound).max()).astype(np.float32))
    return folder


@pytest.fixture(scope="module")
def model():
    """A ciwGAN whose codes say p and q."""
    bank = tf.constant([planted.take("pq"[i % 2], RNG, 0.5)[:, 0] for i in range(20)], tf.float32)
    bank = 0.5 * bank / tf.reduce_max(tf.abs(bank))

    def generator(z):
        takes = tf.cast(tf.abs(z[:, 2]) * 10, tf.int32) % 10
        return {"out": tf.gather(bank, 2 * takes + tf.cast(z[:, 1] > 0.5, tf.int32))[:, :, None]}

    def q(x):
        nearest = tf.argmax(x[:, :, 0] @ tf.transpose(bank), axis=1)
        return {"logits": tf.one_hot(nearest % 2, 2)}

    checkpoint = SimpleNamespace(prefix="planted", sha256=lambda: "0" * 64)
    return Model(Opened(CONFIG, Networks(generator, None, q), 0, "planted", checkpoint))


@pytest.fixture(scope="module")
def given(corpus):
    """Options of a small run."""
    return evaluate.Options(
        data_dir=str(corpus), classifier=str(corpus), n=20, n_permutations=99, jobs=1,
        praat=PraatSettings(f0_floor_hz=200, f0_ceiling_hz=300, hnr_min_pitch_hz=200),
        intervals=IntervalSettings(voicing_floor_hz=200),
        statistics=StatisticsSettings(n_resamples=100),
    )  # fmt: skip


@pytest.fixture(scope="module")
def run_dir(model, given, tmp_path_factory):
    """A run that has left its classifier."""
    tf.config.run_functions_eagerly(True)
    directory = tmp_path_factory.mktemp("run")
    evaluate.run(model, given).save(directory, figures=False, page=False)
    tf.config.run_functions_eagerly(False)
    return directory


def test_a_run_says_what_was_planted(run_dir, tmp_path, drawn):
    result = load_run(run_dir)
    q_row = result.table("q").set_index("code").loc["all"]
    assert q_row["n"] == 20 and q_row["estimate"] > 0.8
    codes = result.table("codes").set_index("code")
    assert codes["word"].tolist() == ["p", "q"] and (codes["verdict"] == "differs").all()
    assert result.table("classifier")["heard"].nunique() == 3
    shares = result.table("shares").set_index("property")
    outputs = result.table("outputs")
    assert shares.loc["voice", "estimate"] == (outputs["n_voiced"] > 0).mean()
    nearest = result.table("nearest")["name"]
    assert len(nearest) == 20 and set(nearest.str[0]) == {"p", "q"}  # no word is control alone
    assert "Words by code" in result.summary() and "Distance (1000" in result.terminal()
    assert max(map(len, result.terminal().split("\n\n")[0].splitlines())) <= 100
    result.save(tmp_path / "run", page=False)
    assert {"quantities", "recognised"} <= set(drawn)
    assert "c1" in conftest.said(drawn["recognised"])
    assert load_run(tmp_path / "run").terminal() == result.terminal()


def test_a_classifier_is_handed_on(model, given, run_dir, eagerly):
    path, first = str(run_dir / "classifier.npz"), load_run(run_dir)
    options = dataclasses.replace(given, classifier=path)
    learned = labelled.find_classifier(options, CONFIG, None, given.statistics)
    z, codes = evaluate.draw_latents(CONFIG, model.sample(given.n, given.seed))
    mel = planted.hear(model.run("generator", z)["out"]).mel
    again = labelled.name_outputs(learned, mel, codes, given.seed, given.statistics)
    for name in ("classifier", "recognised", "codes"):
        pd.testing.assert_frame_equal(again[name], first.table(name), check_exact=True)
    alone = labelled.words_of_codes(model, path, 10, settings=given.statistics)["codes"]
    assert alone["word"].tolist() == ["p", "q"]
    assert (alone["verdict"] == "differs").all() and (alone["n"] == 10).all()


def test_a_file_that_is_no_classifier_for_the_model_is_refused(run_dir):
    path, other = str(run_dir / "classifier.npz"), dataclasses.replace(CONFIG, sample_rate=8000)
    with pytest.raises(InputError, match="16384 samples at 16000 Hz, but the model makes 16384 at"):
        labelled.read_classifier(path, other)
    for name in ("config.json", "none.npz"):
        with pytest.raises(InputError, match="is not a classifier.npz"):
            labelled.read_classifier(str(run_dir / name), CONFIG)


def test_what_cannot_be_evaluated_is_refused(corpus, speech_dir):
    model = SimpleNamespace(config=CONFIG)
    with pytest.raises(InputError, match="add --data_dir"):
        evaluate.run(model, evaluate.Options())
    with pytest.raises(InputError, match="--data_dir=.*6 of 6 recordings"):
        evaluate.run(model, evaluate.Options(data_dir=str(speech_dir)))
    with pytest.raises(InputError, match="--classifier=.*words are none.*--word"):
        options = evaluate.Options(data_dir=str(corpus), classifier=str(corpus), word="(x)")
        evaluate.run(model, options)
