"""What a training shows: in TensorBoard, in metrics.jsonl, as previews, as warnings."""

import io
import json
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.io import wavfile
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from wavegan_tf.checkpoints import disk
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.stats.health import diversity
from wavegan_tf.training import monitor as monitor_module
from wavegan_tf.training import pictures, signs
from wavegan_tf.training.evaluation import BATCH, Evaluation, fixed_latents, fresh_latents
from wavegan_tf.training.monitor import Monitor, append_metrics, read_metrics
from wavegan_tf.training.options import TrainingConfig
from wavegan_tf.training.trainer import Trainer

CIWGAN = ModelConfig(model="ciwgan", num_categ=3, latent_dim=8, dim=1)
HEALTHY = {"D_loss": -8.0, "x_rms": 0.14, "G_z_rms": 0.13, "diversity": 0.8}
TONE_HZ = 1000.0


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


def step_outputs(seed, d_loss=-1.0):
    x = tones([TONE_HZ] * 4) + np.random.default_rng(seed).normal(0, 1e-3, [4, 16384, 1])
    return {
        "D_loss": tf.constant(d_loss),
        "G_loss": tf.constant(2.0),
        "x": tf.constant(x, tf.float32),
        "z": tf.constant(fresh_latents(CIWGAN, 4, seed, 0)),
    }


@pytest.fixture(scope="module")
def networks():
    return Trainer(CIWGAN, TrainingConfig()).networks


def make_monitor(directory, networks, step=0, loss="wgan-gp", holdout=None):
    training = TrainingConfig(loss, batch_size=4)
    trainer = SimpleNamespace(
        config=CIWGAN, training=training, networks=networks, seed=7, step=step
    )
    return Monitor(str(directory), trainer, num_slices=50, holdout=holdout)


@pytest.fixture(scope="module")
def watched(networks, tmp_path_factory):
    """Summaries of steps 1 to 3, then a restart from step 2 and a summary of step 3 again."""
    directory = tmp_path_factory.mktemp("watched")
    holdout = step_outputs(seed=99)["x"].numpy()
    with closing(make_monitor(directory, networks, holdout=holdout)) as monitor:
        for step in (1, 2, 3):
            monitor.write(step, step_outputs(step))
    with closing(make_monitor(directory, networks, step=2, holdout=holdout)) as monitor:
        monitor.write(3, step_outputs(3, d_loss=-5.0))
    functions = vars(monitor.evaluation)
    traced = {k: functions[k].experimental_get_tracing_count() for k in functions if k[0] == "_"}
    accumulator = EventAccumulator(str(directory), {"tensors": 0}, purge_orphaned_data=True)
    accumulator.Reload()
    return SimpleNamespace(directory=directory, events=accumulator, traced=traced)


def rows_of(directory):
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def values_of(events, tag):
    return [(e.step, tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]


def sound_of(events, tag):
    """The newest audio of a tag, as TensorBoard plays it: int16 [time, channels]."""
    sound = wavfile.read(io.BytesIO(values_of(events, tag)[-1][1].flat[0]))[1]
    return sound.reshape(len(sound), -1)


def test_diversity_is_0_of_copies_whatever_their_level_and_1_of_sounds_that_share_nothing():
    copies = tones([440] * 3) * np.array([0.1, 0.5, 1])[:, None, None]
    assert diversity(copies) == pytest.approx(0, abs=1e-6)
    assert diversity(np.zeros([5, 16384, 1])) == 0
    assert diversity(tones([250, 1000, 4000])) == pytest.approx(1, abs=0.05)


def test_diversity_tells_different_words_from_noises_and_from_a_word_that_moves_a_little():
    rng = np.random.default_rng(1)
    words = np.stack([word(rng) for _ in range(12)])
    noises = rng.standard_normal([12, 16384, 1])
    moved = np.stack([np.roll(words[0], shift, axis=0) for shift in rng.integers(-80, 80, 12)])
    for alike in (noises, moved, words[:1] + 0.01 * noises):
        assert diversity(alike) < signs.DIVERSITY_RATIO * diversity(words)


@pytest.mark.parametrize(
    ("seen", "sign", "words"),
    [
        ({}, None, []),
        ({"x_rms": 0.0}, None, []),  # silent data
        ({"G_z_rms": 0.001}, "quiet", ["0.001 and 0.14", "--seed"]),
        ({"G_z_rms": 0.7}, "loud", ["0.7 and 0.14"]),
        ({"diversity": 0.1}, "alike", ["0.10 of the data's"]),
    ],
)
def test_collapse_is_seen_but_not_in_a_training_that_has_just_begun(seen, sign, words):
    losses = {"D_loss": list(np.random.default_rng(0).uniform(0, 20, 200))}
    found = signs.find_signs(signs.GRACE_STEPS, HEALTHY | seen, losses)
    assert list(found) == ([sign] if sign else [])
    assert all(text in found[sign] for text in words)
    assert signs.find_signs(signs.GRACE_STEPS - 1, HEALTHY | seen, losses) == {}
    found = signs.find_signs(1, HEALTHY | seen | {"D_grad_norm": np.inf}, losses)
    assert list(found) == ["not finite"] and found["not finite"].startswith("D_grad_norm")


def test_a_loss_runs_away_when_it_stays_ten_times_as_large():
    steady = [8.0, 5.0, 12.0, 7.0] * 10
    assert not signs.runs_away([*steady, 900.0, 7.0, 8.0])  # a spike
    assert not signs.runs_away([0.02] * 40 + [0.5] * 5)  # small all the same
    assert not signs.runs_away([300.0] * 14)  # nothing to compare with
    found = signs.find_signs(3000, HEALTHY, {"D_loss": [*steady, *[90.0] * 5]})
    assert "of late 90 in size, before 7.5" in found["D_loss"]


def test_a_warning_comes_once_when_its_sign_sets_in(networks, tmp_path, monkeypatch, caplog):
    found = [{}, {"a": "A"}, {"a": "A"}, {"a": "A", "b": "B"}, {}, {"a": "A"}]
    monkeypatch.setattr(signs, "find_signs", lambda *_: found.pop(0))
    with closing(make_monitor(tmp_path, networks)) as monitor:
        for step in range(6):
            monitor._warn(step, {})
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["step 1: A", "step 3: B", "step 5: A"]


def test_a_critics_level_is_not_judged_and_losses_before_a_restart_count(networks, tmp_path):
    for step in range(20):
        append_metrics(str(tmp_path), step, {"D_loss": -2.0, "G_loss": 1.0, "Q_loss": np.nan})
    with closing(make_monitor(tmp_path, networks, step=9)) as monitor:
        assert monitor.losses == {"D_loss": [2.0] * 10}
    with closing(make_monitor(tmp_path, networks, step=9, loss="lsgan")) as monitor:
        assert monitor.losses == {"D_loss": [2.0] * 10, "G_loss": [1.0] * 10}


def test_metrics_are_json_without_steps_that_come_again_and_lines_cut_short(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 2, "a": 1}\n[1]\n\0\0\n{"step": 4}\n{"step": 6}\n{"step": 3, "')
    assert read_metrics(str(tmp_path), 4) == [{"step": 2, "a": 1}, {"step": 4}]
    append_metrics(str(tmp_path), 6, {"a": np.float32(0.1), "b": np.nan, "c": -np.inf})
    *_, row = rows = rows_of(tmp_path)  # NaN and Infinity, which are no JSON, would be read as such
    assert [row["step"] for row in rows] == [2, 4, 6] and row.pop("time").endswith("Z")
    assert row == {"step": 6, "a": 0.1, "b": None, "c": None}


@pytest.mark.parametrize(
    ("model", "names", "codes"),
    [
        ("ciwgan", ["c1", "c2", "c3"], np.eye(3)),
        ("fiwgan", ["00", "01", "10", "11"], [[0, 0], [0, 1], [1, 0], [1, 1]]),
        ("wavegan", ["1", "2", "3", "4", "5", "6", "7", "8"], np.zeros([8, 0])),
    ],
)
def test_fixed_latents_are_every_code_of_one_z(model, names, codes):
    num_categ = np.shape(codes)[1]
    config = ModelConfig(model=model, num_categ=num_categ, latent_dim=10)
    latents, again, other = (fixed_latents(config, seed) for seed in (3, 3, 4))
    assert list(latents) == names
    vectors = np.stack(list(latents.values()))
    np.testing.assert_array_equal(vectors[:, :num_categ], codes)
    assert len(np.unique(vectors[:, num_categ:], axis=0)) == (1 if num_categ else 8)
    np.testing.assert_array_equal(vectors, np.stack(list(again.values())))
    assert not np.allclose(other[names[0]], vectors[0])


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
    accuracy = evaluation.q_accuracy(np.eye(5)[[0, 0, 1, 1, 2, 2, 0, 2]])  # no output of c4
    each = {"Q_accuracy/c1": 1, "Q_accuracy/c2": 1, "Q_accuracy/c3": 0}
    assert accuracy == {"Q_accuracy": 5 / 8} | each


def test_q_accuracy_of_a_fiwgan_is_told_for_each_bit_and_for_whole_codes():
    networks = shortcut_networks(2, lambda code: code * [1.0, 0.0] - 0.5)  # the second is always 0
    evaluation = Evaluation(networks, ModelConfig(model="fiwgan", num_categ=2, latent_dim=3))
    accuracy = evaluation.q_accuracy(np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]))
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


def test_everything_the_original_wrote_is_there_and_more_and_nothing_is_traced_twice(watched):
    kinds = {
        tag: watched.events.SummaryMetadata(tag).plugin_data.plugin_name
        for tag in watched.events.Tags()["tensors"]
    }
    for tag in ("D_loss", "G_loss", "x_rms", "G_z_rms", "training/epoch", "Q_accuracy/c1"):
        assert kinds[tag] == "scalars"
    assert kinds["x_rms_batch"] == kinds["G_z_rms_batch"] == "histograms"
    sounds = {tag for tag in kinds if kinds[tag] == "audio"}
    layers = ["fixed", *(f"fixed_conv{i}" for i in range(1, 5))]
    assert sounds == {"x", "G_z", *(f"{layer}/c{i}" for layer in layers for i in (1, 2, 3))}
    images = {tag for tag in kinds if kinds[tag] == "images"}
    assert images == {"layers", "spectrogram/x", "spectrogram/G_z"}
    assert watched.traced == {"_generate": 1, "_criticise": 1, "_name_codes": 1}


def test_the_bright_band_of_a_spectrogram_stands_at_the_frequency_of_a_tone(watched):
    png = values_of(watched.events, "spectrogram/x")[0][1][2]  # after width and height
    image = tf.io.decode_png(png).numpy()[::-1, :, 0].astype(float)  # [bands from below, frames]
    brightness = image.mean(axis=1)
    edges = np.linspace(*(2595 * np.log10(1 + np.array([40, 8000]) / 700)), 98)  # HTK's mel scale
    centres_hz = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    assert abs(int(brightness.argmax()) - int(np.abs(centres_hz - TONE_HZ).argmin())) <= 1
    assert brightness.max() > 240 and np.median(image) < 60


def test_a_spectrogram_shows_when_a_sound_is_there():
    audio = tones([3000])
    audio[:, :8192] = 0
    image = pictures.spectrograms(audio, 16000)[0, ..., 0]
    assert image.min() == image[:, 10].max() == 0 and image[:, -20].max() > 0.9


def test_a_killed_trainings_later_steps_are_forgotten_by_tensorboard_and_metrics(watched):
    expected = [(1, -1.0), (2, -1.0), (3, -5.0)]
    assert values_of(watched.events, "D_loss") == expected
    assert [(row["step"], row["D_loss"]) for row in rows_of(watched.directory)] == expected
    wavs = sorted(p.name for p in (watched.directory / "previews").iterdir())
    assert wavs == ["00000001.wav", "00000002.wav", "00000003.wav"]


def test_metrics_hold_the_scalars_of_tensorboard(watched):
    for row in rows_of(watched.directory):
        for name in set(row) - {"step", "time"}:
            tag = monitor_module.tensorboard_tag(name)
            shown = dict(values_of(watched.events, tag))[row["step"]]
            assert row[name] == pytest.approx(float(shown), rel=1e-6, nan_ok=True)


def test_a_held_out_wasserstein_estimate_is_the_difference_of_means(watched, networks):
    row = rows_of(watched.directory)[0]

    def judge(audio):
        return float(tf.reduce_mean(networks.discriminator(audio)["logits"]))

    fake = judge(networks.generator(monitor_module.sample_latents(CIWGAN, 32, 7))["out"])
    for name, seed in (("holdout_wasserstein", 99), ("train_wasserstein", 1)):
        assert row[name] == pytest.approx(judge(step_outputs(seed)["x"]) - fake, rel=1e-3)


def test_fixed_latents_and_their_averaged_layers_can_be_heard(watched, networks):
    outputs = networks.generator(fixed_latents(CIWGAN, 7)["c2"][None])
    out = outputs["out"].numpy()[0]
    np.testing.assert_allclose(sound_of(watched.events, "fixed/c2") / 32767, out, atol=1e-4)
    series = outputs["conv3"].numpy()[0].mean(axis=1)  # 1024 at 1 kHz
    expected = np.interp(np.arange(16384), np.arange(1024) * 16 + 7.5, series)
    heard = sound_of(watched.events, "fixed_conv3/c2")[:, 0] / 32767
    np.testing.assert_allclose(heard, expected, atol=1e-4)


def test_a_preview_is_32_outputs_with_half_a_second_between(watched, networks):
    rate_hz, sound = wavfile.read(watched.directory / "previews" / "00000001.wav")
    assert (rate_hz, sound.dtype, len(sound)) == (16000, np.int16, 32 * 16384 + 31 * 8000)
    z = monitor_module.sample_latents(CIWGAN, 32, 7)
    last = np.trunc(networks.generator(z)["out"].numpy()[31, :, 0] * 32767)
    np.testing.assert_allclose(sound[-16384:], last, atol=1)
    assert np.any(sound[:16384]) and not np.any(sound[16384 : 16384 + 8000])


def test_pace_counts_real_examples_and_leaves_out_the_time_of_summaries(
    networks, tmp_path, monkeypatch
):
    monkeypatch.setattr(pictures, "draw_layers", lambda *_: np.zeros([1, 2, 2, 3], np.uint8))
    now = iter([100.0, 107.0, 111.0, 119.0])  # begin and end of two summaries
    with closing(make_monitor(tmp_path, networks)) as monitor:
        monkeypatch.setattr(monitor_module.time, "monotonic", lambda: next(now))
        monitor.write(10, step_outputs(1))
        monitor.write(16, step_outputs(1))
    first, second = rows_of(tmp_path)
    assert (first["epoch"], second["epoch"]) == (10 * 20 / 50, 16 * 20 / 50)
    assert "examples_per_s" not in first
    assert second["examples_per_s"] == 6 * 20 / (111 - 107)


def test_sounds_become_rarer_as_the_step_grows_also_over_a_restart(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "draw_layers", lambda *_: np.zeros([1, 2, 2, 3], np.uint8))

    def previews():
        return sorted(int(path.stem) for path in (tmp_path / "previews").iterdir())

    with closing(make_monitor(tmp_path, networks, step=0)) as monitor:
        for step in (100, 104, 105, 110, 111):
            monitor.write(step, step_outputs(1))
    assert previews() == [100, 105, 111]
    assert [row["step"] for row in rows_of(tmp_path)] == [100, 104, 105, 110, 111]
    with closing(make_monitor(tmp_path, networks, step=106)) as monitor:
        assert monitor.listened == 105 and previews() == [100, 105]


def test_a_full_disk_is_an_error_before_anything_is_half_written(networks, tmp_path, monkeypatch):
    with closing(make_monitor(tmp_path, networks)) as monitor:
        usage = SimpleNamespace(total=10**9, free=1000)
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OSError, match="No space left") as error:
            monitor.write(1, step_outputs(1))
    assert error.value.filename == str(tmp_path) and not (tmp_path / "metrics.jsonl").exists()
