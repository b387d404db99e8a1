"""Sounds for pages and notebooks."""

import base64
import io

import numpy as np
import scipy


def player(sound: np.ndarray, rate_hz: int) -> str:
    """Makes an HTML player of a sound [time] or [time, channels], full scale at 1."""
    file = io.BytesIO()
    samples = np.clip(np.nan_to_num(np.squeeze(sound)), -1, 1) * 32767
    scipy.io.wavfile.write(file, int(rate_hz), samples.astype(np.int16))
    encoded = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<audio controls src="data:audio/wav;base64,{encoded}"></audio>'
