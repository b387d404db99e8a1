import json
import subprocess
import sys

import conftest
import pytest

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
    monkeypatch.setattr(trial, "_compiled", lambda direction, form, shape: lambda *arguments: form)
    monkeypatch.setattr(trial, "_seconds", lambda function, *given: left[function()].pop(0))
    seconds = trial._race("down", SHAPE, ())
    assert seconds == {"plain": 1.0, "folded": 2.0, "matmul": 3.1, "xla": 9.0}
    assert (left["matmul"], left["xla"]) == ([], [])


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


def test_a_choice_that_cannot_be_kept_is_measured_each_time(races, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAVEGAN_TF_CACHE", str(tmp_path / "file" / "cache"))
    found = [trial.choose_forms(CONFIG, TrainingConfig(batch_size=16)) for _ in range(2)]
    assert found[0] == found[1] and len(races) == 2 * 3 * len(found[0])


def test_bfloat16_is_refused_where_it_is_slower_unless_forced(monkeypatch):
    seconds = {"float32": 0.010, "bfloat16": 0.102}
    monkeypatch.setattr(trial, "_product_seconds", lambda dtype: seconds[dtype])
    with pytest.raises(InputError, match="--precision=bfloat16.* 10.2 times as long as in float32"):
        trial.check_precision("bfloat16")
    for precision in ("float32", "forced_bfloat16"):
        trial.check_precision(precision)
    seconds["bfloat16"] = 0.005
    trial.check_precision("bfloat16")


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
