import json
import math
import subprocess
import sys

import conftest
import pytest
import tensorflow as tf

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.convolution import Shape
from wavegan_tf.training import trial
from wavegan_tf.training.options import TrainingConfig

CONFIG = ModelConfig(dim=16)
SHAPE = Shape(25, 4, 4, 2, 3)


@pytest.fixture
def races(monkeypatch, tmp_path):
    """Trials that take no time, by a cache of their own; the directions and shapes they were of."""
    run = []

    def race(direction, shape, arguments):
        run.append((direction, shape))
        fastest = {"down": "folded", "up": "plain", "kernel": "matmul"}[direction]
        return {form: 1.0 + (form != fastest) for form in ("plain", "folded", "matmul")}

    monkeypatch.setattr(trial, "_race", race)
    monkeypatch.setenv("WAVEGAN_TF_CACHE", str(tmp_path))
    return run


def test_a_form_has_its_least_seconds_and_a_hopeless_one_is_timed_once(monkeypatch):
    took = {"plain": [2.9, 1.0, 3.0], "folded": [2.0, 2.0, 2.5], "matmul": [3.1], "xla": [9.0]}
    left = {form: list(times) for form, times in took.items()}
    monkeypatch.setattr(trial, "_compiled", lambda _, form, *rest: lambda *arguments: form)
    monkeypatch.setattr(trial, "_seconds", lambda function, *given: left[function()].pop(0))
    seconds = trial._race("down", SHAPE, ())
    assert seconds == {"plain": 1.0, "folded": 2.0, "matmul": 3.1, "xla": 9.0}
    assert (left["matmul"], left["xla"]) == ([], [])


def test_a_form_that_a_machine_cannot_compute_is_never_the_fastest(monkeypatch):
    def compiled(direction, form, shape, arguments):
        if form != "matmul":
            raise tf.errors.UnimplementedError(None, None, "not on this device")
        return lambda *arguments: form

    monkeypatch.setattr(trial, "_compiled", compiled)
    (row,) = trial.measure([SHAPE], batch_size=2)
    for seconds in (row["down"], row["up"], row["kernel"]):
        assert min(seconds, key=seconds.get) == "matmul" and seconds["xla"] == math.inf


def test_a_trial_is_run_once_for_one_machine_batch_and_precision(races, monkeypatch):
    training = TrainingConfig(batch_size=16)
    forms = trial.choose_forms(CONFIG, training)
    assert forms[0]["down"] == "folded" and len(races) == 3 * len(forms)
    again = trial.choose_forms(CONFIG, training)
    assert again == forms and len(races) == 3 * len(forms)
    machine = {**trial.describe_machine(), "cpu": "another"}
    for change in ({"batch_size": 15}, {"precision": "forced_bfloat16"}):
        trial.choose_forms(CONFIG, TrainingConfig(**{"batch_size": 16} | change))
    monkeypatch.setattr(trial, "describe_machine", lambda: machine)
    trial.choose_forms(CONFIG, training)
    assert len(races) == 4 * 3 * len(forms)


def test_what_is_given_or_recorded_comes_before_a_trial(races):
    recorded = trial.choose_forms(CONFIG, TrainingConfig(batch_size=16))
    recorded[0]["up"] = "xla"
    races.clear()
    auto, given = TrainingConfig(batch_size=17), TrainingConfig(batch_size=17, conv="matmul")
    assert trial.choose_forms(CONFIG, auto, recorded) == recorded
    assert trial.choose_forms(CONFIG, given, recorded) == "matmul"
    assert trial.choose_forms(ModelConfig(dim=1), TrainingConfig(batch_size=2)) == "keras"
    assert races == []
    choice = trial.to_choice(recorded)
    first = Shape(*(recorded[0][name] for name in Shape._fields))
    assert [choice(d, first) for d in ("down", "up", "kernel")] == ["folded", "xla", "matmul"]


@pytest.mark.parametrize("text", ["[", "[]", "null", "{}", '"mixed"', '[{"n": 1}]', "unknown"])
def test_a_file_that_holds_no_forms_is_measured_anew(races, tmp_path, text):
    """The last with a form that there is none of; the same holds for what a run has recorded."""
    training = TrainingConfig(batch_size=16)
    forms = trial.choose_forms(CONFIG, training)
    (path,) = tmp_path.glob("forms-*.json")
    if text == "unknown":
        text = json.dumps([*forms[:-1], forms[-1] | {"up": "mixed"}])
    path.write_text(text)
    races.clear()
    assert trial.choose_forms(CONFIG, training) == forms and races
    assert json.loads(path.read_text()) == forms
    if text != "[":
        assert trial.choose_forms(CONFIG, training, json.loads(text)) == forms


def test_a_choice_that_cannot_be_kept_is_measured_each_time(races, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAVEGAN_TF_CACHE", str(tmp_path / "file" / "cache"))
    found = [trial.choose_forms(CONFIG, TrainingConfig(batch_size=16)) for _ in range(2)]
    assert found[0] == found[1] and len(races) == 2 * 3 * len(found[0])
    assert "could not be kept, so the next start may find others" in caplog.text


@pytest.mark.parametrize(("conv", "cost"), [("auto", "1.5"), ("plain", "30.0"), ("keras", "30.0")])
def test_bfloat16_is_refused_where_it_is_slower_unless_forced(monkeypatch, races, conv, cost):
    """By the fastest forms, or by the one that is given."""
    slow = {"plain": 30.0, "folded": 2.0, "matmul": 1.5}

    def measure(shapes, batch_size, dtype):
        seconds = slow if dtype == "bfloat16" else dict.fromkeys(slow, 1.0)
        return [dict.fromkeys(("down", "up", "kernel"), seconds)]

    monkeypatch.setattr(trial, "measure", measure)
    training = TrainingConfig(precision="bfloat16", conv=conv)
    message = f"--precision=bfloat16: .* takes {cost} times as long .*=forced_bfloat16"
    with pytest.raises(InputError, match=message):
        trial.choose_forms(ModelConfig(dim=1), training)
    forced = TrainingConfig(batch_size=2, precision="forced_bfloat16", conv="folded")
    assert trial.choose_forms(ModelConfig(dim=1), forced) == "folded"
    slow.update(plain=0.5, folded=0.5)
    trial.choose_forms(ModelConfig(dim=1), training)


@pytest.mark.parametrize(("set_to", "expected"), [(None, True), ("0", False)])
def test_onednn_is_on_unless_the_user_has_it_off(monkeypatch, set_to, expected):
    """Where TensorFlow is built with it, as on Linux."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if set_to:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", set_to)
    code = (
        "import json, wavegan_tf, tensorflow\n"
        "from wavegan_tf.output.versions import run_record\n"
        "print(json.dumps(run_record('train', {})['versions']['oneDNN']))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=conftest.ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(printed.stdout) == ("on" if expected else "off")
