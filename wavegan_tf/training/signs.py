"""Signs of a training that fails, as functions of what was measured. NumPy only.

The limits are wide on purpose: a warning should mean that somebody ought to look. Healthy ciwGANs
on spoken digits (dim 8 and 16, 500 to 1,750 steps) have an RMS of 0.8 to 1.4 of the data's and a
diversity of 0.27 to 0.9 of it. A training begins at 0.01 and 0.03 and takes some hundred steps to
get there, so nothing is judged before ``GRACE_STEPS``.
"""

import numpy as np

GRACE_STEPS = 1000
RMS_RATIO = (0.2, 4.0)  # of the outputs over the data's: quieter or louder is a sign
# Diversity of the outputs over that of the data: less is a sign. White noise, ever new, has 0.04;
# one recording, moved by up to 50 ms, 0.2; recordings of one word by one speaker 0.5.
DIVERSITY_RATIO = 0.15
LOSS_FACTOR = 10.0  # the median of a loss' RECENT sizes over that of the earlier ones (at least 1)
RECENT, EARLIER = 5, 10  # summaries: so many are judged, by at least so many before them


def rms(audio: np.ndarray) -> np.ndarray:
    """Computes the root mean square of each example, [n, time, channels] -> [n]."""
    return np.sqrt(np.mean(np.square(audio), axis=(1, 2)))


def runs_away(magnitudes: list[float]) -> bool:
    """Tells whether a loss, by its sizes at the summaries so far, has grown out of proportion."""
    recent, earlier = magnitudes[-RECENT:], magnitudes[:-RECENT]
    if len(earlier) < EARLIER:
        return False
    return bool(np.median(recent) > LOSS_FACTOR * max(1.0, float(np.median(earlier))))


def find_signs(
    step: int, scalars: dict[str, float], losses: dict[str, list[float]]
) -> dict[str, str]:
    """Finds the signs of trouble in one summary.

    Args:
        step: Of the summary.
        scalars: What was measured, by name; ``x_rms``, ``G_z_rms`` and ``diversity`` among it.
        losses: Sizes of each loss that is to be judged, by name, oldest first, the present last.

    Returns:
        Messages by name of the sign; from ``GRACE_STEPS`` on, but values that are not finite count
        at any step.
    """
    found = {}
    undefined = [name for name, value in scalars.items() if not np.isfinite(value)]
    if undefined:
        found["not finite"] = (
            f"{', '.join(undefined)} not finite: the updates of this training overflow; if the "
            "losses do not recover, begin again with another --seed and look for damaged "
            "recordings in the data"
        )
    if step < GRACE_STEPS:
        return found
    again = "listen to previews/, and if it stays so, begin a new run with another --seed"
    x_rms, g_z_rms = scalars["x_rms"], scalars["G_z_rms"]
    for sign, far, is_so, meaning in (
        ("quiet", "quieter", g_z_rms < RMS_RATIO[0] * x_rms, "be falling silent"),
        ("loud", "louder", g_z_rms > RMS_RATIO[1] * x_rms, "have saturated"),
    ):
        if x_rms > 0 and is_so:
            found[sign] = (
                f"outputs far {far} than the data (RMS {g_z_rms:.2g} and {x_rms:.2g}): the "
                f"Generator may {meaning}; {again}"
            )
    if scalars.get("diversity", 1) < DIVERSITY_RATIO:
        found["alike"] = (
            f"outputs of different latents much alike (diversity {scalars['diversity']:.2f} of "
            f"the data's): the Generator may have collapsed to one sound; {again}"
        )
    for name, sizes in losses.items():
        if runs_away(sizes):
            found[name] = (
                f"{name} runs away (of late {np.median(sizes[-RECENT:]):.3g} in size, before "
                f"{np.median(sizes[:-RECENT]):.3g}): the training may be diverging; if it "
                "does not come back, go on from an earlier checkpoint (--init_ckpt) in a new "
                "--train_dir, or begin again with another --seed"
            )
    return found
