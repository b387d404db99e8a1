"""Equal weights to the bit from equal commands."""

import functools

import tensorflow as tf
from tensorflow.python.ops import gen_math_ops


def make_deterministic() -> None:
    """Makes TensorFlow compute the same, to the bit, every time; before anything is built.

    TensorFlow's own switch leaves one thing to chance: AddN, which sums the gradients of a variable
    used more than twice, begins with whichever input's memory happens to be free for the result, so
    that the order of the sum depends on the timing of threads. Here such sums are chains of
    additions in a fixed order, and the graph optimiser may not join them into an AddN again.

    Bits are equal on one machine with one number of threads and one version of TensorFlow.
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    # Where tf.GradientTape and tf.add_n both get it; there is no public place.
    gen_math_ops.add_n = _add_in_order


def _add_in_order(inputs: list[tf.Tensor], name: str | None = None) -> tf.Tensor:
    return functools.reduce(tf.add, inputs)
