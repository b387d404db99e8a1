"""TensorFlow 1's Adam and RMSProp, which Keras' do not repeat: its own kernels on its own state.

TensorFlow 1's RMSProp starts its accumulator at one (Keras: at zero) and has its epsilon inside
the root; its Adam adds epsilon to the uncorrected root. The state is what TensorFlow 1 keeps:
slots per variable, and for Adam the powers of beta. With replicas (tf.distribute) ``apply`` stands
outside their functions, and takes gradients that are already the mean over replicas.
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
        powers = tuple(self.powers.values())
        for variable, slots, g in zip(self.variables, self.slots, gradients, strict=True):
            _update(self._apply_one, variable, (*slots, *powers, g))
        for power, beta in zip(powers, (self.beta1, self.beta2), strict=True):
            power.assign(power * beta)

    def _apply_one(self, variable, m, v, beta1_power, beta2_power, gradient):
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=beta1_power,
            beta2_power=beta2_power,
            lr=self.learning_rate,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
            grad=gradient,
        )


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
        for variable, slots, g in zip(self.variables, self.slots, gradients, strict=True):
            _update(self._apply_one, variable, (*slots, g))

    def _apply_one(self, variable, mean_square, step, gradient):
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=mean_square.handle,
            mom=step.handle,
            lr=self.learning_rate,
            rho=self.decay,
            momentum=0.0,
            epsilon=self.epsilon,
            grad=gradient,
        )


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


def _update(function, variable, arguments):
    """Calls ``function`` with the copies that every replica holds of a Keras variable, slots, .."""
    tf.distribute.get_strategy().extended.update(variable.value, function, arguments)


def _slot(variable, value: float):
    return tf.Variable(tf.fill(variable.shape, value), trainable=False)
