"""Outputs that are speech pass, and each way of not speaking fails its own check."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_values import points_of

from wavegan_tf.speech.measure import near_stride
from wavegan_tf.stats.health import CHECKS, check_outputs

RATE_HZ, N = 16000, 12
STRIDES_HZ = (*np.arange(1, 9) * 62.5, 1000 / 3)


def tones(f0_hz, length=16384):
    """Harmonic sounds of given F0, each in its own part of the time, [n, time]."""
    time_s = np.arange(length) / RATE_HZ
    starts = np.linspace(0, 0.6, len(f0_hz))
    window = (time_s >= starts[:, None]) & (time_s < starts[:, None] + 0.4)
    waves = sum(np.sin(2 * np.pi * k * np.asarray(f0_hz)[:, None] * time_s) for k in (1, 2, 3))
    return 0.2 * window * waves


def checked(f0_hz, audio=None, strides_hz=STRIDES_HZ, **outputs):
    """Verdicts by check, of outputs with three values of F0 each."""
    f0_hz = np.broadcast_to(np.asarray(f0_hz, float).reshape(-1, 1), (N, 3))
    points = points_of("out", f0_hz, "f0", "Hz")
    about = {"n_voiced": 1, "clipped_share": 0.0, "problem": ""} | outputs
    table = pd.DataFrame({"output": np.arange(N), **about})
    audio = tones(f0_hz[:, 0]) if audio is None else audio
    near = partial(near_stride, strides_hz=strides_hz)
    found = check_outputs(points, table, audio, "out", near if strides_hz else None)
    return dict(zip(found["check"], found["verdict"], strict=True))


def test_voices_of_any_height_pass():
    assert checked(np.linspace(95, 240, N)) == dict.fromkeys(CHECKS, "passed")
    assert checked(np.full(N, 210.0), tones(np.linspace(95, 240, N)))["stride"] == "passed"


@pytest.mark.parametrize("f0_hz", [62.5, 125, 250, 333])
def test_a_voice_at_a_stride_fails_and_one_that_passes_by_it_does_not(f0_hz):
    audio = tones(np.linspace(95, 240, N))
    assert checked(f0_hz, audio)["stride"] == "failed"
    assert checked(np.linspace(0.8, 1.2, N) * f0_hz, audio)["stride"] == "passed"
    assert "stride" not in checked(f0_hz, audio, strides_hz=())


@pytest.mark.parametrize(
    ("check", "outputs"),
    [
        ("voice", {"n_voiced": [1] + [0] * (N - 1)}),
        ("saturation", {"clipped_share": 0.3}),
        ("silence", {"problem": ["silent"] * 7 + [""] * 5}),
        ("diversity", {"audio": np.repeat(tones([100.0]), N, axis=0)}),
    ],
)
def test_each_way_of_not_speaking_fails_its_own_check(check, outputs):
    found = checked(np.linspace(95, 240, N), **outputs)
    assert [name for name, verdict in found.items() if verdict == "failed"] == [check]


def test_intervals_by_hand_say_nothing_of_the_voice():
    n_voiced, by_hand = [1] * (N - 1) + [0], [True] * (N - 1) + [False]
    found = checked(np.linspace(95, 240, N), n_voiced=n_voiced, annotated=by_hand)
    assert found["voice"] == "failed"
    assert "voice" not in checked(np.linspace(95, 240, N), n_voiced=0, annotated=True)
