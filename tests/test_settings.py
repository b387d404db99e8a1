import math

import pytest

from wavegan_tf.analysis.settings import AcousticSettings, layer_limits
from wavegan_tf.errors import InputError

SETTINGS = AcousticSettings()


def test_a_layer_lowers_the_ceilings_to_its_nyquist_and_says_so():
    limits = layer_limits(250, SETTINGS)
    assert limits.f0_ceiling_hz == 125
    assert set(limits.forbidden) == {"f1", "f2", "f3"}
    assert "ceiling lowered from 300 Hz to the layer's Nyquist, 125 Hz" in limits.warnings[0]
    assert "above 31.25 Hz a period has fewer than 8 samples" in limits.warnings[1]
    limits = layer_limits(4000, SETTINGS)
    assert (limits.formant_ceiling_hz, limits.n_formants) == (2000, 2.0)
    assert set(limits.forbidden) == {"f3"}
    assert limits.warnings == (
        "f2: the layer's Nyquist, 2000 Hz, is below the F2 of front vowels, up to 2800 Hz",
    )


def test_the_output_is_limited_by_the_settings_alone():
    limits = layer_limits(16000, SETTINGS)
    assert (limits.f0_ceiling_hz, limits.formant_ceiling_hz, limits.n_formants) == (300, 5500, 5)
    assert limits.forbidden == {} and limits.warnings == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"f0_floor_hz": 300, "f0_ceiling_hz": 60}, "--f0_range=300,60: the floor must be above"),
        ({"f0_floor_hz": 0}, "--f0_range=0,300"),
        ({"f0_ceiling_hz": math.nan}, "--f0_range=60,nan"),
        ({"n_points": 0}, "--n_points=0: must be within 1 .. 10000; the default is --n_points=10"),
        ({"n_points": 2.5}, "--n_points=2.5: must be a whole number"),
        ({"intensity_min_pitch_hz": -1}, "--intensity_min_pitch=-1: must be within 1 .. 10000 Hz"),
        ({"voicing_threshold": 2}, "--voicing_threshold=2"),
        ({"max_gap_s": -0.1}, "--max_gap=-0.1"),
        ({"n_formants": 4.7}, "--n_formants=4.7: must be a multiple of 0.5"),
        (
            {"formant_window_s": 0.005, "n_formants": 10, "formant_ceiling_hz": 1000},
            "--formant_window=0.005: too short for --n_formants=10 below 1000 Hz",
        ),
    ],
)
def test_settings_out_of_range_name_flag_value_and_rule(changes, message):
    with pytest.raises(InputError) as caught:
        AcousticSettings(**changes)
    assert message in str(caught.value)
