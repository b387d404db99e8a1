"""How numbers are written."""

import pytest

from wavegan_tf.output import text


@pytest.mark.parametrize(
    ("p", "written"),
    [
        (0.049838, "0.0498"), (0.04999, "0.0499"), (0.05, "0.050"), (0.0502, "0.050"),
        (0.0996, "0.0996"), (0.0487, "0.049"), (0.0004, "< 0.001"), (0.8197, "0.820"),
        (1.0, "1.000"),
        (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_p_below_a_level_is_not_written_as_the_level(p, written):
    assert text.p_value(p) == written
    assert text.p_value(0.0061, floor=True) == "<= 0.006"
    assert text.p_value(0.0009, floor=True) == "< 0.001"
