"""TensorBoard summaries, under the original's names."""

import tensorflow as tf

from wavegan_tf.models.config import ModelConfig

MAX_AUDIO = 10


class Summaries:
    """Writes the summaries of one run directory."""

    def __init__(self, directory: str, config: ModelConfig):
        """Opens an event file in the directory; later runs add files, TensorBoard joins them."""
        self.writer = tf.summary.create_file_writer(directory)
        self.sample_rate = config.sample_rate

    def write(self, step: int, losses: dict, x: tf.Tensor, g_z: tf.Tensor) -> None:
        """Writes losses, RMS histograms and means, and audio.

        Args:
            step: Generator updates done.
            losses: Scalars by name.
            x: Real audio, [batch, slice_len, num_channels].
            g_z: Generated audio of the same shape.
        """
        with self.writer.as_default(step):
            for name, value in losses.items():
                tf.summary.scalar(name, value)
            for name, audio in (("x", x), ("G_z", g_z)):
                tf.summary.audio(name, audio, self.sample_rate, max_outputs=MAX_AUDIO)
                rms = rms_per_example(audio)
                tf.summary.histogram(f"{name}_rms_batch", rms)
                tf.summary.scalar(f"{name}_rms", tf.reduce_mean(rms))
        self.writer.flush()


def rms_per_example(audio: tf.Tensor) -> tf.Tensor:
    """Root mean square of each example, [batch, time, channels] -> [batch]."""
    return tf.sqrt(tf.reduce_mean(tf.square(audio), axis=[1, 2]))
