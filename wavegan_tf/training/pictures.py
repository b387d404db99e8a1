"""Pictures of sounds for TensorBoard: spectrograms, and the averaged layers of one latent."""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wavegan_tf.models.config import Layer
from wavegan_tf.output import style
from wavegan_tf.output.names import layer_title

MEL_BANDS = 96
TOP_DB = 70.0  # what lies so far below a sound's loudest band is black
WINDOW_S, HOP_S = 0.025, 0.005
LOWEST_HZ = 40.0


def spectrograms(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Draws a mel spectrogram of each sound, [n, time, channels], with tensorflow-io.

    Returns:
        float32 [n, 96, frames, 1], 1 where a sound is loudest, 0 from 70 dB below it on: time from
        left to right, mel bands from 40 Hz at the bottom to the Nyquist frequency at the top.
    """
    import tensorflow_io as tfio  # only where a summary is written: it loads libraries of its own

    window, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    nfft = 2 ** max(11, (window - 1).bit_length())
    images = []
    for sound in np.nan_to_num(audio.mean(axis=2)).astype(np.float32):
        magnitudes = tfio.audio.spectrogram(sound, nfft, window, hop)  # [frames, nfft / 2 + 1]
        bands = tfio.audio.melscale(magnitudes, rate_hz, MEL_BANDS, LOWEST_HZ, rate_hz / 2)
        level_db = tfio.audio.dbscale(bands, TOP_DB).numpy()  # [frames, bands]
        images.append(1 + (level_db - level_db.max()).T[::-1, :, None] / TOP_DB)
    return np.stack(images)


def draw_layers(layers: tuple[Layer, ...], series: dict[str, np.ndarray], title: str) -> np.ndarray:
    """Draws every averaged layer of one output, uint8 [1, height, 700, 4].

    ``series`` are [length] by layer; ``out`` of several channels is [length, channels].
    """
    with matplotlib.rc_context(dict(style.STYLE)):
        figure, axes, _ = style.grid(len(layers), 1, 1.15, sharex=True)
        for axis, layer in zip(axes, layers, strict=True):
            times_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
            axis.plot(times_s, series[layer.name])
            axis.set_title(f"{layer_title(layer.name)}, Nyquist frequency {layer.nyquist_hz:g} Hz")
        axes[-1].set(xlim=(0, layers[-1].length / layers[-1].rate_hz), xlabel="Time (s)")
        figure.supylabel("Mean activation (Out: amplitude)", fontsize=8)
        figure.suptitle(title)
        figure.set_dpi(style.SCREEN_DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[np.newaxis]
