"""What a training shows: in TensorBoard, in metrics.jsonl, as previews, as warnings."""

import io
import json
import logging
import resource
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.io import wavfile
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.report.figures import layers_png
from wavegan_tf.watching import signs
from wavegan_tf.watching import watcher as watcher_module
from wavegan_tf.watching.evaluation import BATCH, Evaluation, fixed_latents, fresh_latents
from wavegan_tf.watching.events import Events
from wavegan_tf.watching.metrics import Metrics
from wavegan_tf.watching.watcher import Watcher

CIWGAN = ModelConfig(model="ciwgan", num_categ=3, latent_dim=8, dim=1)
HEALTHY = {"D_loss": -8.0, "x_rms": 0.14, "G_z_rms": 0.13, "diversity": 0.8}


def tones(frequencies_hz, level=0.5):
    """Tones of different frequencies, [n, 16384, 1] at 16 kHz."""
    time_s = np.arange(16384) / 16000
    return level * np.sin(2 * np.pi * np.outer(frequencies_hz, time_s))[:, :, None]


def word(rng):
    """Two vowel-like stretches and a noise at random times, [16384, 1]."""
    time_s = np.arange(16384) / 16000
    sound = np.zeros(16384)
    for _ in range(2):
        start_s, f0_hz, formant_hz = rng.uniform([0, 90, 300], [0.7, 250, 3000])
        k = np.arange(1, 25)
        level = np.exp(-(((k * f0_hz - formant_hz) / 400) ** 2))
        harmonics = level @ np.sin(2 * np.pi * f0_hz * np.outer(k, time_s))
        sound += harmonics * np.exp(-(((time_s - start_s - 0.1) / 0.07) ** 2))
    sound += 0.3 * rng.standard_normal(16384) * (np.abs(time_s - rng.uniform(0, 1)) < 0.05)
    return sound[:, None]


def step_outputs(config, seed, d_loss=-1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.1, [4, config.slice_len, config.num_channels])
    return {
        "D_loss": tf.constant(d_loss),
        "G_loss": tf.constant(2.0),
        "x": tf.constant(x, tf.float32),
        "z": tf.constant(fresh_latents(config, 4, seed, 0)),
    }


def make_watcher(directory, networks, step=0, **options):
    arguments = {"loss": "wgan-gp", "batch_size": 4, "disc_nupdates": 5, "num_slices": 50}
    return Watcher(str(directory), networks, CIWGAN, 7, step=step, **(arguments | options))


@pytest.fixture(scope="module")
def networks():
    return build_networks(CIWGAN, seed=0)


@pytest.fixture(scope="module")
def watched(networks, tmp_path_factory):
    """Summaries of steps 1 to 3, then a restart from step 2 and a summary of step 3 again."""
    directory = tmp_path_factory.mktemp("watched")
    holdout = step_outputs(CIWGAN, seed=99)["x"].numpy()
    with make_watcher(directory, networks, holdout=holdout) as watcher:
        for step in (1, 2, 3):
            watcher.write(step, step_outputs(CIWGAN, step))
    first_rows = (directory / "metrics.jsonl").read_text()
    with make_watcher(directory, networks, step=2, holdout=holdout) as watcher:
        watcher.write(3, step_outputs(CIWGAN, 3, d_loss=-5.0))
    functions = vars(watcher.evaluation)
    traced = {k: functions[k].experimental_get_tracing_count() for k in functions if k[0] == "_"}
    accumulator = EventAccumulator(str(directory), {"tensors": 0}, purge_orphaned_data=True)
    accumulator.Reload()
    return SimpleNamespace(
        directory=directory, first_rows=first_rows, events=accumulator, traced=traced
    )


def rows_of(directory):
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def values_of(events, tag):
    return [(e.step, tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]


def sound_of(events, tag):
    """The newest audio of a tag, as TensorBoard plays it: int16 [time, channels]."""
    wav = values_of(events, tag)[-1][1].flat[0]
    sound = wavfile.read(io.BytesIO(wav))[1]
    return sound.reshape(len(sound), -1)


# Signs


def test_diversity_is_0_of_copies_whatever_their_level_and_1_of_sounds_that_share_nothing():
    rng = np.random.default_rng(0)
    copies = np.repeat(tones([440]), 5, axis=0) * rng.uniform(0.1, 1, [5, 1, 1])
    assert signs.diversity(copies) == pytest.approx(0, abs=1e-6)
    assert signs.diversity(np.zeros([5, 16384, 1])) == 0
    assert signs.diversity(tones([250, 1000, 4000])) == pytest.approx(1, abs=0.05)


def test_diversity_tells_different_words_from_noises_and_from_a_word_that_moves_a_little():
    rng = np.random.default_rng(1)
    words = np.stack([word(rng) for _ in range(12)])
    of_words = signs.diversity(words)
    noises = rng.standard_normal([12, 16384, 1])
    moved = np.stack([np.roll(words[0], shift, axis=0) for shift in rng.integers(-80, 80, 12)])
    assert signs.diversity(words[:6]) > 0.7 * of_words
    for alike in (noises, moved, words[:1] + 0.01 * noises):
        assert signs.diversity(alike) < signs.DIVERSITY_RATIO * of_words


def test_a_healthy_summary_has_no_sign():
    losses = {"D_loss": list(np.random.default_rng(0).uniform(0, 20, 200))}
    assert signs.find_signs(5000, HEALTHY, losses) == {}


@pytest.mark.parametrize(
    ("seen", "sign", "words"),
    [
        ({"G_z_rms": 0.001}, "quiet", ["0.001 and 0.14", "--seed"]),
        ({"G_z_rms": 0.7}, "loud", ["0.7 and 0.14"]),
        ({"diversity": 0.1}, "alike", ["0.10 of the data's"]),
    ],
)
def test_collapse_is_seen_but_not_in_a_training_that_has_just_begun(seen, sign, words):
    found = signs.find_signs(signs.GRACE_STEPS, HEALTHY | seen, {})
    assert list(found) == [sign] and all(text in found[sign] for text in words)
    assert signs.find_signs(signs.GRACE_STEPS - 1, HEALTHY | seen, {}) == {}


def test_silent_data_and_batches_of_one_are_no_sign():
    scalars = {"x_rms": 0.0, "G_z_rms": 0.1}
    assert signs.find_signs(5000, scalars, {}) == {}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named_at_any_step(value):
    found = signs.find_signs(1, HEALTHY | {"D_grad_norm": value}, {})
    assert list(found) == ["not finite"] and found["not finite"].startswith("D_grad_norm")


def test_a_loss_runs_away_when_it_stays_ten_times_as_large():
    steady = [8.0, 5.0, 12.0, 7.0] * 10
    assert not signs.runs_away([*steady, 900.0, 7.0, 8.0])  # a spike
    assert not signs.runs_away([0.02] * 40 + [0.5] * 5)  # small all the same
    assert not signs.runs_away([300.0] * 14)  # nothing to compare with
    away = [*steady, *[90.0] * 5]
    assert signs.runs_away(away)
    found = signs.find_signs(3000, HEALTHY, {"D_loss": away})
    assert "of late 90 in size, before 7.5" in found["D_loss"]


def test_a_warning_comes_once_when_its_sign_sets_in(networks, tmp_path, monkeypatch, caplog):
    found = [{}, {"a": "A"}, {"a": "A"}, {"a": "A", "b": "B"}, {}, {"a": "A"}]
    monkeypatch.setattr(signs, "find_signs", lambda *_: found.pop(0))
    monkeypatch.setattr(logging.getLogger("wavegan_tf"), "propagate", True)
    with make_watcher(tmp_path, networks) as watcher:
        for step in range(6):
            watcher._warn(step, {})
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["step 1: A", "step 3: B", "step 5: A"]


def test_a_critics_level_is_not_judged_and_losses_before_a_restart_count(networks, tmp_path):
    metrics = Metrics(str(tmp_path), 0)
    for step in range(20):
        metrics.append(step, {"D_loss": -2.0, "G_loss": 1.0, "Q_loss": np.nan})
    with make_watcher(tmp_path, networks, step=9) as watcher:
        assert watcher.losses == {"D_loss": [2.0] * 10}
    with make_watcher(tmp_path, networks, step=9, loss="lsgan") as watcher:
        assert watcher.losses == {"D_loss": [2.0] * 10, "G_loss": [1.0] * 10}


# metrics.jsonl


def test_metrics_are_valid_json_with_null_for_what_is_not_finite(tmp_path):
    metrics = Metrics(str(tmp_path), 0)
    metrics.append(5, {"D_loss": float(np.float32(0.1)), "G_loss": np.nan, "Q_loss": -np.inf})
    text = (tmp_path / "metrics.jsonl").read_text()

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    row = json.loads(text, parse_constant=refuse)
    assert row.pop("time").endswith("Z")
    assert row == {"step": 5, "D_loss": 0.1, "G_loss": None, "Q_loss": None}
    assert text.count("\n") == 1 and text.endswith("\n")


def test_metrics_of_steps_that_come_again_and_a_row_cut_short_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 2, "a": 1}\n{"step": 4, "a": 2}\n{"step": 6, "a": 3}\n{"step": 7, "')
    metrics = Metrics(str(tmp_path), 4)
    assert metrics.rows == [{"step": 2, "a": 1}, {"step": 4, "a": 2}]
    metrics.append(6, {"a": 9.0})
    rows = rows_of(tmp_path)
    assert [(row["step"], row["a"]) for row in rows] == [(2, 1), (4, 2), (6, 9)]
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize("line", ["once upon a time", "[1]", '{"loss": 1}'])
def test_a_metrics_file_that_is_none_is_refused_and_left_alone(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(InputError, match="metrics.jsonl: line 2"):
        Metrics(str(tmp_path), 0)
    assert line in path.read_text()


# Latents and networks


@pytest.mark.parametrize(
    ("model", "num_categ", "names"),
    [
        ("ciwgan", 4, ["c1", "c2", "c3", "c4"]),
        ("fiwgan", 2, ["00", "01", "10", "11"]),
        ("wavegan", 0, ["1", "2", "3", "4", "5", "6", "7", "8"]),
    ],
)
def test_fixed_latents_are_every_code_of_one_z(model, num_categ, names):
    config = ModelConfig(model=model, num_categ=num_categ, latent_dim=10)
    latents = fixed_latents(config, 3, 32)
    assert list(latents) == names
    vectors = np.stack(list(latents.values()))
    assert vectors.shape == (len(names), 10)
    codes = {"ciwgan": np.eye(4), "fiwgan": [[0, 0], [0, 1], [1, 0], [1, 1]]}
    if num_categ:
        np.testing.assert_array_equal(vectors[:, :num_categ], codes[model])
        assert np.all(np.ptp(vectors[:, num_categ:], axis=0) == 0)
    else:
        assert len(np.unique(vectors[:, 0])) == 8
    again = fixed_latents(config, 3, 32)
    assert all((again[name] == latents[name]).all() for name in names)
    assert not np.allclose(fixed_latents(config, 4, 32)[names[0]], latents[names[0]])


def test_of_many_codes_the_first_32_are_fixed():
    assert len(fixed_latents(ModelConfig(model="ciwgan", num_categ=50), 0, 32)) == 32
    bits = list(fixed_latents(ModelConfig(model="fiwgan", num_categ=13), 0, 32))
    assert (bits[0], bits[-1], len(bits)) == ("0" * 13, "0" * 8 + "1" * 5, 32)


def test_fresh_latents_are_new_at_every_step_and_have_every_code_as_often():
    first, again, other = (fresh_latents(CIWGAN, 30, 7, step) for step in (10, 10, 20))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first[:, 3:], other[:, 3:]).any()
    np.testing.assert_array_equal(first[:, :3].sum(axis=0), [10, 10, 10])


def shortcut_networks(num_categ, read):
    """A Generator that only writes the code into its audio and a Q-network that reads it."""

    def generator(z):
        return {"out": tf.pad(z[:, :num_categ], [[0, 0], [0, 16384 - num_categ]])[..., tf.newaxis]}

    return SimpleNamespace(
        generator=generator,
        discriminator=lambda audio: {"logits": tf.reduce_mean(audio, axis=[1, 2])},
        q=lambda audio: {"logits": read(audio[:, :num_categ, 0])},
    )


def test_q_accuracy_of_a_ciwgan_is_told_for_each_code():
    table = tf.constant([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]])
    networks = shortcut_networks(4, lambda code: code @ table)  # c3 is taken for c2
    evaluation = Evaluation(networks, ModelConfig(model="ciwgan", num_categ=4, latent_dim=5))
    z = np.eye(5)[[0, 0, 1, 1, 2, 2, 0, 2]]  # no output of c4
    accuracy = evaluation.q_accuracy(z)
    assert accuracy == {
        "Q_accuracy": 5 / 8, "Q_accuracy/c1": 1, "Q_accuracy/c2": 1, "Q_accuracy/c3": 0,
    }  # fmt: skip


def test_q_accuracy_of_a_fiwgan_is_told_for_each_bit_and_for_whole_codes():
    networks = shortcut_networks(2, lambda code: code * [1.0, 0.0] - 0.5)  # the second is always 0
    evaluation = Evaluation(networks, ModelConfig(model="fiwgan", num_categ=2, latent_dim=3))
    z = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]])
    accuracy = evaluation.q_accuracy(z)
    assert accuracy == {"Q_accuracy": 0.75, "Q_accuracy/c1": 1, "Q_accuracy/c2": 0.75}


def test_evaluation_gives_what_the_networks_give_for_any_number_of_examples(networks):
    evaluation = Evaluation(networks, CIWGAN)
    for n in (1, BATCH + 3):
        z = fresh_latents(CIWGAN, n, 1, 1)
        expected = networks.generator(z)
        np.testing.assert_allclose(evaluation.generate(z), expected["out"], atol=1e-6)
        layers = evaluation.average_layers(z)
        assert list(layers) == ["conv1", "conv2", "conv3", "conv4", "out"]
        mean = tf.reduce_mean(expected["conv2"], axis=2)
        np.testing.assert_allclose(layers["conv2"], mean, rtol=1e-4, atol=1e-7)
        logits = networks.discriminator(expected["out"])["logits"]
        judged = evaluation.criticise(expected["out"].numpy())
        assert judged == pytest.approx(float(tf.reduce_mean(logits)), rel=1e-4, abs=1e-7)


# A whole summary


def test_everything_the_original_wrote_is_there(watched):
    kinds = {
        tag: watched.events.SummaryMetadata(tag).plugin_data.plugin_name
        for tag in watched.events.Tags()["tensors"]
    }
    for tag in ("D_loss", "G_loss", "x_rms", "G_z_rms", "training/epoch", "Q_accuracy/c1"):
        assert kinds[tag] == "scalars"
    assert kinds["x_rms_batch"] == kinds["G_z_rms_batch"] == "histograms"
    assert kinds["x"] == kinds["G_z"] == "audio"
    assert {tag for tag in kinds if kinds[tag] == "audio" and tag.startswith("fixed/")} == {
        "fixed/c1", "fixed/c2", "fixed/c3",
    }  # fmt: skip
    assert kinds["fixed_conv1/c1"] == kinds["fixed_conv4/c3"] == "audio"
    assert kinds["layers"] == "images"


def test_a_killed_trainings_later_steps_are_forgotten_by_tensorboard_and_metrics(watched):
    assert values_of(watched.events, "D_loss") == [(1, -1.0), (2, -1.0), (3, -5.0)]
    assert [(row["step"], row["D_loss"]) for row in rows_of(watched.directory)] == [
        (1, -1.0), (2, -1.0), (3, -5.0),
    ]  # fmt: skip
    assert [json.loads(line)["step"] for line in watched.first_rows.splitlines()] == [1, 2, 3]
    wavs = sorted(p.name for p in (watched.directory / "previews").iterdir())
    assert wavs == ["00000001.wav", "00000002.wav", "00000003.wav"]


def test_metrics_hold_the_scalars_of_tensorboard(watched):
    for row in rows_of(watched.directory):
        for name in set(row) - {"step", "time"}:
            tag = watcher_module.tensorboard_tag(name)
            shown = dict(values_of(watched.events, tag))[row["step"]]
            assert row[name] == pytest.approx(float(shown), rel=1e-6, nan_ok=True)
    scalars = {
        tag
        for tag in watched.events.Tags()["tensors"]
        if watched.events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    }
    names = set(rows_of(watched.directory)[1]) - {"step", "time"}
    assert scalars == {watcher_module.tensorboard_tag(name) for name in names}


def test_a_held_out_wasserstein_estimate_is_the_difference_of_means(watched, networks):
    row = rows_of(watched.directory)[0]

    def judge(audio):
        return float(tf.reduce_mean(networks.discriminator(audio)["logits"]))

    fake = judge(networks.generator(watcher_module.sample_latents(CIWGAN, 32, 7))["out"])
    for name, seed in (("holdout_wasserstein", 99), ("train_wasserstein", 1)):
        real = judge(step_outputs(CIWGAN, seed)["x"])
        assert row[name] == pytest.approx(real - fake, rel=1e-3)


def test_fixed_latents_and_their_averaged_layers_can_be_heard(watched, networks):
    outputs = networks.generator(fixed_latents(CIWGAN, 7, 32)["c2"][None])
    out = outputs["out"].numpy()[0]
    np.testing.assert_allclose(sound_of(watched.events, "fixed/c2") / 32767, out, atol=1e-4)
    series = outputs["conv3"].numpy()[0].mean(axis=1)  # 1024 at 1 kHz
    expected = np.interp(np.arange(16384), np.arange(1024) * 16 + 7.5, series)
    heard = sound_of(watched.events, "fixed_conv3/c2")[:, 0] / 32767
    np.testing.assert_allclose(heard, expected, atol=1e-4)


def test_a_preview_is_32_outputs_with_half_a_second_between(watched, networks):
    rate_hz, sound = wavfile.read(watched.directory / "previews" / "00000001.wav")
    assert (rate_hz, sound.dtype, len(sound)) == (16000, np.int16, 32 * 16384 + 31 * 8000)
    z = watcher_module.sample_latents(CIWGAN, 32, 7)
    last = np.trunc(networks.generator(z)["out"].numpy()[31, :, 0] * 32767)
    np.testing.assert_allclose(sound[-16384:], last, atol=1)
    assert np.any(sound[:16384]) and not np.any(sound[16384 : 16384 + 8000])


def test_a_figure_of_the_layers_is_in_every_summary(watched):
    figures = values_of(watched.events, "layers")
    assert [step for step, _ in figures] == [1, 2, 3]
    width, height, png = figures[0][1]
    assert (int(width), int(height)) == (700, 645) and png.startswith(b"\x89PNG")


def test_no_function_is_traced_twice(watched):
    assert watched.traced == {"_generate": 1, "_criticise": 1, "_name_codes": 1}


def test_pace_counts_real_examples_and_leaves_out_the_time_of_summaries(
    networks, tmp_path, monkeypatch
):
    monkeypatch.setattr(Watcher, "_write_figure", lambda *_: None)
    now = iter([100.0, 107.0, 111.0, 119.0])  # begin and end of two summaries
    with make_watcher(tmp_path, networks) as watcher:
        monkeypatch.setattr(watcher_module.time, "monotonic", lambda: next(now))
        watcher.write(10, step_outputs(CIWGAN, 1))
        watcher.write(16, step_outputs(CIWGAN, 1))
    first, second = rows_of(tmp_path)
    assert (first["epoch"], second["epoch"]) == (10 * 20 / 50, 16 * 20 / 50)
    assert "examples_per_s" not in first
    assert second["examples_per_s"] == 6 * 20 / (111 - 107)


def test_sounds_become_rarer_as_the_step_grows(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(Watcher, "_write_figure", lambda *_: None)
    with make_watcher(tmp_path, networks, step=0) as watcher:
        for step in (100, 104, 105, 110, 111):
            watcher.write(step, step_outputs(CIWGAN, 1))
    wavs = sorted(p.name for p in (tmp_path / "previews").iterdir())
    assert wavs == ["00000100.wav", "00000105.wav", "00000111.wav"]
    assert [row["step"] for row in rows_of(tmp_path)] == [100, 104, 105, 110, 111]
    with make_watcher(tmp_path, networks, step=106) as watcher:
        assert watcher.listened == 105
    wavs = sorted(p.name for p in (tmp_path / "previews").iterdir())
    assert wavs == ["00000100.wav", "00000105.wav"]


# Trouble with files


@pytest.fixture
def small_disk():
    """Files of at most 100 kB, as good as a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_events_that_are_not_written_whole_are_an_error_that_names_the_file(tmp_path, small_disk):
    events = Events(str(tmp_path), 0)
    with events.at(1):
        tf.summary.scalar("a", 1.0)
    with pytest.raises(OSError, match="not written whole") as error, events.at(2):
        tf.summary.audio("sound", np.zeros([3, 65536, 1], np.float32), 16000)
    assert error.value.filename == str(next(tmp_path.glob("events*")))


def test_a_preview_that_cannot_be_written_leaves_nothing_but_an_error(
    networks, tmp_path, small_disk
):
    with make_watcher(tmp_path, networks) as watcher:
        with pytest.raises(OSError) as error:
            watcher._write_preview(12, np.zeros([32, 16384, 1], np.float32))
    path = tmp_path / "previews" / "00000012.wav"
    assert error.value.filename == str(path) and error.value.strerror
    assert not list(path.parent.iterdir())


def test_stereo_layers_are_drawn_with_a_panel_for_each_channel():
    heights = []
    for channels in (1, 2):
        config = ModelConfig(num_channels=channels)
        series = {x.name: np.ones([1, x.length]) for x in config.layers}
        if channels == 2:
            series["out"] = np.zeros([1, 16384, 2])
        png = layers_png(config.layers, series, "Step 1")
        heights.append(struct.unpack(">II", png[16:24])[1])
    assert heights[1] > heights[0]
