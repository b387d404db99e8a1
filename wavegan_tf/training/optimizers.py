"""TensorFlow 1's Adam and RMSProp rules, which Keras' do not repeat.

TensorFlow 1's RMSProp starts its accumulator at one (Keras: at zero) and has its epsilon inside
the root; its Adam adds epsilon to the uncorrected root. The state is what TensorFlow 1 keeps:
slots per variable, and for Adam the powers of beta.
"""

import tensorflow as tf


class Adam:
    """Adam (Kingma & Ba 2015, section 2, the efficient order of computation).

    Attributes:
        kind: The slots' name in a TensorFlow 1 checkpoint.
        variables: What it updates.
        slots: Per variable its first and second moment, tf.Variables.
        powers: ``beta1_power`` and ``beta2_power``, scalars: beta to the number of updates + 1.
    """

    kind = "Adam"

    def __init__(self, variables, learning_rate, beta1, beta2, epsilon=1e-8):
        """Makes the state at its start."""
        self.variables = list(variables)
        self.learning_rate, self.beta1, self.beta2 = learning_rate, beta1, beta2
        self.epsilon = epsilon
        self.slots = [(_slot(v, 0.0), _slot(v, 0.0)) for v in self.variables]
        self.powers = {
            "beta1_power": tf.Variable(beta1, dtype=tf.float32, trainable=False),
            "beta2_power": tf.Variable(beta2, dtype=tf.float32, trainable=False),
        }

    def apply(self, gradients):
        """Updates the variables by their gradients, in the order of ``variables``."""
        beta1_power, beta2_power = self.powers["beta1_power"], self.powers["beta2_power"]
        rate = self.learning_rate * tf.sqrt(1.0 - beta2_power) / (1.0 - beta1_power)
        for variable, (m, v), g in zip(self.variables, self.slots, gradients, strict=True):
            m.assign_add((g - m) * (1.0 - self.beta1))
            v.assign_add((tf.square(g) - v) * (1.0 - self.beta2))
            variable.assign_sub(rate * m / (tf.sqrt(v) + self.epsilon))
        beta1_power.assign(beta1_power * self.beta1)
        beta2_power.assign(beta2_power * self.beta2)


class RMSProp:
    """RMSProp (Tieleman & Hinton 2012) as TensorFlow 1 has it, without momentum.

    Attributes:
        kind: The slots' name in a TensorFlow 1 checkpoint.
        variables: What it updates.
        slots: Per variable its mean square, which starts at one, and its last step.
        powers: Empty.
    """

    kind = "RMSProp"

    def __init__(self, variables, learning_rate, decay=0.9, epsilon=1e-10):
        """Makes the state at its start."""
        self.variables = list(variables)
        self.learning_rate, self.decay, self.epsilon = learning_rate, decay, epsilon
        self.slots = [(_slot(v, 1.0), _slot(v, 0.0)) for v in self.variables]
        self.powers = {}

    def apply(self, gradients):
        """Updates the variables by their gradients, in the order of ``variables``."""
        for variable, (mean_square, step), g in zip(
            self.variables, self.slots, gradients, strict=True
        ):
            mean_square.assign_add((tf.square(g) - mean_square) * (1.0 - self.decay))
            step.assign(self.learning_rate * g * tf.math.rsqrt(mean_square + self.epsilon))
            variable.assign_sub(step)


def make_optimizer(loss: str, variables):
    """The optimiser that the original pairs with a loss, for Generator and Discriminator alike."""
    if loss == "wgan-gp":
        return Adam(variables, 1e-4, beta1=0.5, beta2=0.9)
    if loss == "dcgan":
        return Adam(variables, 2e-4, beta1=0.5, beta2=0.999)
    return RMSProp(variables, {"wgan": 5e-5, "lsgan": 1e-4}[loss])


def make_q_optimizer(variables):
    """The original's optimiser of the Q-network and, for the code, the Generator."""
    return RMSProp(variables, 1e-4)


def _slot(variable, value: float):
    return tf.Variable(tf.fill(variable.shape, value), trainable=False)
