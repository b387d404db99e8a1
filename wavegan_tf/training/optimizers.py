"""TensorFlow 1's Adam and RMSProp, which Keras' do not repeat: its own kernels on its own state.

TensorFlow 1's RMSProp starts its accumulator at one (Keras: at zero) and has its epsilon inside
the root; its Adam adds epsilon to the uncorrected root. The state is what TensorFlow 1 keeps:
slots per variable, and for Adam the powers of beta. With replicas (tf.distribute) ``apply`` stands
outside their functions, and takes gradients that are already the mean over replicas.
"""

from collections.abc import Iterable, Sequence

import tensorflow as tf


class Optimizer:
    """What both optimisers share.

    ``slots`` are two tf.Variables per variable: first and second moment (Adam), or mean square and
    last step (RMSProp). ``powers`` are Adam's of beta, to the number of updates + 1.
    """

    kind: str  # the slots' name in a TensorFlow 1 checkpoint

    def __init__(self, variables: Iterable, learning_rate: float, starts: tuple[float, float]):
        """Makes the state; ``starts`` are the values that the slots begin with."""
        self.variables = list(variables)
        self.learning_rate = learning_rate
        self.slots = [tuple(_slot(v.shape, start) for start in starts) for v in self.variables]
        self.powers: dict[str, tf.Variable] = {}

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Updates the variables by their gradients, in the order of ``variables``."""
        extended = tf.distribute.get_strategy().extended
        for variable, slots, gradient in zip(self.variables, self.slots, gradients, strict=True):
            state = (*slots, *self.powers.values(), gradient)
            extended.update(variable.value, self._apply_one, state)  # every replica's copy

    def _apply_one(self, variable: tf.Variable, *state: tf.Variable) -> None:
        raise NotImplementedError


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, section 2, the efficient order of computation)."""

    kind = "Adam"

    def __init__(self, variables: Iterable, learning_rate: float, beta1: float, beta2: float):
        """Makes the state at its start."""
        super().__init__(variables, learning_rate, (0.0, 0.0))
        self.betas = (beta1, beta2)
        self.powers = {"beta1_power": _slot([], beta1), "beta2_power": _slot([], beta2)}

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Updates the variables by their gradients, in the order of ``variables``."""
        super().apply(gradients)
        for power, beta in zip(self.powers.values(), self.betas, strict=True):
            power.assign(power * beta)

    def _apply_one(self, variable: tf.Variable, *state: tf.Variable) -> None:
        m, v, beta1_power, beta2_power, gradient = state
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=m.handle, v=v.handle,
            beta1_power=beta1_power, beta2_power=beta2_power, beta1=self.betas[0],
            beta2=self.betas[1], lr=self.learning_rate, epsilon=1e-8, grad=gradient,
        )  # fmt: skip


class RMSProp(Optimizer):
    """RMSProp (Tieleman & Hinton 2012) as TensorFlow 1 has it: decay 0.9, no momentum."""

    kind = "RMSProp"

    def __init__(self, variables: Iterable, learning_rate: float):
        """Makes the state at its start."""
        super().__init__(variables, learning_rate, (1.0, 0.0))

    def _apply_one(self, variable: tf.Variable, *state: tf.Variable) -> None:
        mean_square, step, gradient = state
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle, ms=mean_square.handle, mom=step.handle,
            lr=self.learning_rate, rho=0.9, momentum=0.0, epsilon=1e-10, grad=gradient,
        )  # fmt: skip


def make_optimizer(loss: str, variables: Iterable, learning_rate: float | None = None) -> Optimizer:
    """Makes the optimiser, at its rate unless given, that the original pairs with a loss."""
    if loss == "wgan-gp":
        return Adam(variables, learning_rate or 1e-4, beta1=0.5, beta2=0.9)
    if loss == "dcgan":
        return Adam(variables, learning_rate or 2e-4, beta1=0.5, beta2=0.999)
    return RMSProp(variables, learning_rate or {"wgan": 5e-5, "lsgan": 1e-4}[loss])


def _slot(shape: Sequence[int], value: float) -> tf.Variable:
    return tf.Variable(tf.fill(shape, value), trainable=False)
