import math

import pytest

from wavegan_tf.analysis.settings import AcousticSettings, layer_limits
from wavegan_tf.errors import InputError

SETTINGS = AcousticSettings()


def test_a_layer_lowers_the_ceilings_to_its_nyquist_and_says_so():
    limits = layer_limits(250, SETTINGS)
    assert limits.f0_ceiling_hz == 125
    assert {"f1", "b3", "hnr", "cog", "cpps"} <= set(limits.forbidden)
    assert not {"f0", "voiced_share", "intensity", "zcr"} & set(limits.forbidden)
    assert "ceiling lowered from 300 Hz to the layer's Nyquist, 125 Hz" in limits.warnings[0]
    assert "above 31.25 Hz a period has fewer than 8 samples" in limits.warnings[1]
    limits = layer_limits(4000, SETTINGS)
    assert (limits.formant_ceiling_hz, limits.n_formants) == (2000, 2.0)
    assert (limits.cpps_ceiling_hz, limits.spectrum_ceiling_hz) == (2000, 2000)
    assert set(limits.forbidden) == {"f3", "b3", "cog", "spectral_sd", "skewness", "kurtosis"}
    assert limits.warnings == (
        "f2: the layer's Nyquist, 2000 Hz, is below the F2 of front vowels, up to 2800 Hz",
        "cpps: ceiling lowered from 5000 Hz to the layer's Nyquist, 2000 Hz; its dB do not compare "
        "with those of a full spectrum",
    )


@pytest.mark.parametrize(
    ("rate_hz", "warning"),
    [
        (1000, "hnr: without noise and harmonics above the layer's Nyquist, 500 Hz"),
        (8000, "cog, spectral_sd, skewness, kurtosis: of the spectrum up to the layer's Nyquist"),
        (8000, "cpps: ceiling lowered from 5000 Hz to the layer's Nyquist, 4000 Hz"),
    ],
)
def test_a_measure_of_a_narrower_spectrum_is_warned_about(rate_hz, warning):
    assert any(text.startswith(warning) for text in layer_limits(rate_hz, SETTINGS).warnings)


@pytest.mark.parametrize(
    ("measure", "rate_hz"),
    [
        ("f0", 120), ("voiced_share", 120), ("hnr", 300), ("f1", 1999), ("b1", 1999), ("f2", 3999),
        ("f3", 6999), ("cog", 7999), ("kurtosis", 7999), ("cpps", 3999),
    ],
)  # fmt: skip
def test_a_measure_is_forbidden_just_below_the_nyquist_that_it_needs(measure, rate_hz):
    assert measure in layer_limits(rate_hz, SETTINGS).forbidden
    assert measure not in layer_limits(rate_hz + 1, SETTINGS).forbidden


def test_a_higher_floor_of_f0_forbids_it_to_more_layers():
    raised = AcousticSettings(f0_floor_hz=150)
    assert "is not above the F0 floor, 150 Hz" in layer_limits(250, raised).forbidden["f0"]


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
        ({"hnr_periods": 0}, "--hnr_periods=0: must be within 0.5 .. 10; the default is"),
        ({"spectrum_window_s": 1}, "--spectrum_window=1: must be within 0.002 .. 0.5 s"),
        ({"octave_jump": 1}, "--octave_jump=1: must be within 1.1 .. 10"),
        (
            {"cpps_min_pitch_hz": 400},
            "--cpps_max_pitch=330: must be above --cpps_min_pitch=400",
        ),
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
