"""Options: ranges, nested settings, flags made of them."""

import dataclasses
import json

import numpy as np
import pytest

from wavegan_tf.commands.flags import read_settings_file
from wavegan_tf.errors import InputError
from wavegan_tf.experiments import interpolate, probe
from wavegan_tf.experiments.front import experiment_options
from wavegan_tf.experiments.names import EXPERIMENTS
from wavegan_tf.experiments.probe import Options
from wavegan_tf.experiments.result import experiment
from wavegan_tf.options import build, check_options, option
from wavegan_tf.speech.settings import PraatSettings


@dataclasses.dataclass(frozen=True)
class Few:
    """Options of a test."""

    n: int = option(3, "Number of things.", low=1, high=10)
    share: float = option(0.5, "Share of things.", low=0, high=1, unit="1", flag="part")
    kind: str = option("a", "Kind of things.", choices=("a", "b"))
    deep: float = option(1.0, "Something rare.", low=0, advanced=True)

    def __post_init__(self):
        check_options(self)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": 0}, "--n=0: must be within 1 .. 10; the default is --n=3"),
        ({"n": 2.5}, "--n=2.5: must be a whole number"),
        ({"share": 2.0}, "--part=2: must be within 0 .. 1 1"),
        ({"share": float("nan")}, "--part=nan"),
        ({"kind": "c"}, "--kind=c: must be one of a, b"),
        ({"deep": -1.0}, "deep=-1: must be 0 or more"),
        ({"n": "many"}, "--n=many: must be a number"),
        ({"n": True}, "--n=True: must be no truth value"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(given, words):
    with pytest.raises(InputError) as error:
        Few(**given)
    assert words in str(error.value)


def test_options_are_built_of_flags_and_of_what_a_model_recommends():
    recommended = {"praat": {"f0_floor_hz": 75.0}, "intervals": {"max_gap_s": 0.15}}
    built = build(Options, {"n": 3, "n_points": 4, "max_gap": 0.2}, recommended)
    assert (built.n, built.praat.n_points, built.praat.f0_floor_hz) == (3, 4, 75.0)
    assert built.intervals.max_gap_s == 0.2
    built = build(Options, {"f0_range": (80, 200), "praat": {"n_points": 7}}, recommended)
    assert (built.praat.f0_floor_hz, built.praat.f0_ceiling_hz) == (80, 200)
    assert built.praat.n_points == 7
    assert build(Options, {"praat": PraatSettings(n_points=5)}, recommended).praat.f0_floor_hz == 60
    both = experiment_options(probe, {}, recommended, {"praat": {"n_points": 9}})
    assert (both.praat.f0_floor_hz, both.praat.n_points) == (75.0, 9)


def test_values_are_taken_in_the_type_of_their_option():
    built = build(Options, {"n": np.int64(5), "condition": ["c1=1", "c2=1"], "n_points": 4.0})
    assert (built.n, built.praat.n_points) == (5, 4) and isinstance(built.n, int)
    assert built.condition == ("c1=1", "c2=1")
    assert build(interpolate.Options, {"vary": "z1=0,1"}).vary == ("z1=0,1",)
    for f0_range in ("60,300", (60,)):
        with pytest.raises(InputError, match="--f0_range=.*floor and ceiling"):
            build(Options, {"f0_range": f0_range})


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_of_a_file_hold_for_every_experiment(name):
    groups = {"praat": {"n_points": 7}, "statistics": {"confidence": 0.9}}
    if name in ("feature_maps", "recognise", "latency"):  # Praat measures nothing there
        del groups["praat"]
    built = experiment_options(experiment(name), {}, groups)
    assert getattr(built, "statistics", built).confidence == 0.9
    assert "praat" not in groups or built.praat.n_points == 7


def test_praat_settings_are_read_from_a_file_or_from_an_earlier_run(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"praat": {"n_points": 40}, "kind": "probe", "n": 3}))
    assert read_settings_file(str(path)) == {"praat": {"n_points": 40}}
    assert build(Options, {}, read_settings_file(str(path))).praat.n_points == 40
    for text, words in [
        ("[]", "give"), ("{", "not JSON"), ('{"n": 3}', "give"),
        ('{"praat": {}, "prat": {}}', "no group 'prat'"),
    ]:  # fmt: skip
        path.write_text(text)
        with pytest.raises(InputError, match=f"--praat_settings={path}.*{words}"):
            read_settings_file(str(path))
    with pytest.raises(InputError, match="No such file"):
        read_settings_file(str(tmp_path / "none.json"))
