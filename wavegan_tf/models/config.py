"""What a model is: its options, and the layers that follow from them.

Nothing here imports TensorFlow, so that command lines answer at once.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from wavegan_tf.errors import InputError
from wavegan_tf.options import build, check_options, option

MODELS = ("wavegan", "ciwgan", "fiwgan")
LAYOUTS = ("tensorflow", "pytorch")
PORT_KERNEL_LEN = 26  # 25 taps, one sample later than here: the last of these is zero
STRIDES = (4, 2)
# How convolutions are computed: by the plain Keras layers, or in a form of models.convolution.
FORMS = ("keras", "plain", "folded", "matmul", "xla")
FC, FC_LENGTH = "fc", 16  # the dense projection as a layer, and its frames

# Strides of the original's five or six (transposed) convolutions, Generator order.
_BLOCK_STRIDES = {16384: 5 * (4,), 32768: (*5 * (4,), 2), 65536: 6 * (4,)}
SLICE_LENS = tuple(_BLOCK_STRIDES)


class Layer(NamedTuple):
    """One layer: a convolution, or the Generator's projection, which reads latent variables."""

    name: str  # the paper's: conv1 .. out (Generator; fc before them), conv1 .. (classifiers)
    length: int  # samples in time of what the layer puts out
    in_channels: int  # feature maps it reads
    channels: int  # feature maps it puts out
    stride: int  # its factor in time: up in the Generator, down in the classifiers
    rate_hz: float  # samples per second of what it puts out

    @property
    def nyquist_hz(self) -> float:
        """The highest frequency the layer can carry, Hz."""
        return self.rate_hz / 2


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of a Generator and its Discriminator and Q-network.

    Raises InputError where a value is outside its rule; it names flag, value and way out.
    """

    # fmt: off
    model: str = option(
        "wavegan", "Variant of the model: without a code, with a one-hot code or with a binary "
        "code.", choices=MODELS)
    slice_len: int = option(16384, "Length of a slice in samples: 16384, 32768 or 65536.",
                            flag="data_slice_len")
    sample_rate: int = option(16000, "Rate in Hz that recordings are resampled to.", low=1,
                              flag="data_sample_rate", group="Data")
    num_channels: int = option(1, "Number of channels: 1 mono, 2 stereo.", low=1,
                               flag="data_num_channels", group="Data")
    dim: int = option(64, "Width of the networks; the papers use 64.", low=1, flag="wavegan_dim")
    kernel_len: int = option(25, "Length of the filters in samples.", low=1,
                             flag="wavegan_kernel_len", group="Model")
    stride: int = option(
        4, f"Stride of a layer, {' or '.join(map(str, STRIDES))}; with 2 the model has twice as "
        "many layers.", flag="wavegan_stride", group="Model")
    fc_channels: int = option(
        0, "Number of feature maps of the projection (the layer fc). 0 stands for the usual "
        "number: 16 times --wavegan_dim, or 32 times for slices over 16384 samples.", low=0,
        flag="wavegan_fc_channels", group="Model")
    latent_dim: int = option(100, "Number of latent variables, those of the code included.", low=1,
                             flag="wavegan_latent_dim", group="Model")
    num_categ: int = option(
        0, "Number of code variables; if not given, 10 for a ciwgan and 3 for a fiwgan.")
    batchnorm: bool = option(False, "Use batch normalisation in all networks.",
                             flag="wavegan_batchnorm", group="Model")
    upsample: str = option(
        "zeros", "Upsampling in the Generator: zeros (transposed convolution) or nn (nearest "
        "neighbour).", choices=("zeros", "nn"), flag="wavegan_genr_upsample", group="Model")
    postfilter_len: int = option(
        0, "Length of the filter on the Generator's audio, samples; 0 for none.", low=0,
        advanced=True)
    phaseshuffle: int = option(2, "Largest phase shuffle in samples; 0 turns it off.", low=0,
                               flag="wavegan_disc_phaseshuffle", group="Model")
    layout: str = option(
        "tensorflow", "Layers of the original, or of the PyTorch port: no ReLU after the "
        "projection; batch normalisation in every layer, with its averages; five layers in the "
        "classifiers; kernels of 26 taps, the last of them zero.", choices=LAYOUTS, advanced=True)
    d_slope: float = option(0.2, "Slope of the Discriminator's leaky ReLU below zero.", low=0,
                            high=10, flag="d_slope", group="Model", advanced=True)
    q_slope: float = option(0.2, "Slope of the Q-network's leaky ReLU below zero.", low=0,
                            high=10, flag="q_slope", group="Model", advanced=True)
    q_unknown: bool = option(False, "One more output of the Q-network: none of the codes.",
                             advanced=True)
    # fmt: on

    def __post_init__(self) -> None:
        """Checks every value against its rule."""
        check_options(self)
        for flag, value, allowed in (
            ("data_slice_len", self.slice_len, SLICE_LENS),
            ("wavegan_stride", self.stride, STRIDES),
        ):
            if value not in allowed:
                raise InputError(f"--{flag}={value}: must be one of {', '.join(map(str, allowed))}")
        if self.model == "wavegan" and self.num_categ != 0:
            raise InputError(
                f"--num_categ={self.num_categ}: a wavegan has no code; leave the flag out, or "
                "choose --model=ciwgan or --model=fiwgan"
            )
        if self.model != "wavegan" and not 1 <= self.num_categ <= self.latent_dim:
            raise InputError(
                f"--num_categ={self.num_categ}: the code of a {self.model} is part of the latent "
                f"vector and has 1 to {self.latent_dim} variables (--wavegan_latent_dim)"
            )
        if self.postfilter_len and self.num_channels != 1:
            raise InputError(
                f"--wavegan_genr_pp with --data_num_channels={self.num_channels}: the post filter "
                "is a single filter and makes mono audio; leave it out or use one channel"
            )
        if self.of_port:
            held = (self.kernel_len, self.stride, self.upsample, self.postfilter_len)
            if held != (PORT_KERNEL_LEN, 4, "zeros", 0) or self.slice_len == 32768:
                raise InputError(
                    f"layout=pytorch: the port has 16384 or 65536 samples, stride 4, no nearest "
                    f"neighbours, no post filter and kernel_len={PORT_KERNEL_LEN} here"
                )
        shortest = min(layer.length for layer in self.classifier_layers[:-1])
        if self.phaseshuffle >= shortest:
            raise InputError(
                f"--wavegan_disc_phaseshuffle={self.phaseshuffle}: the shift is reflected within "
                f"the layer, so it must be below the {shortest} samples of the shortest one"
            )

    @property
    def of_port(self) -> bool:
        """Whether the layers are the PyTorch port's."""
        return self.layout == "pytorch"

    @property
    def depth(self) -> int:
        """Number of (transposed) convolutions in the Generator."""
        return len(self._strides)

    @property
    def _strides(self) -> tuple[int, ...]:
        """Stride of each transposed convolution, Generator order."""
        halves = {4: (4,) if self.stride == 4 else (2, 2), 2: (2,)}
        return tuple(part for s in _BLOCK_STRIDES[self.slice_len] for part in halves[s])

    @property
    def fc(self) -> Layer:
        """The dense projection of the latent variables as a layer, 16 samples long."""
        channels = self.fc_channels or self._channels[0]
        rate_hz = self.sample_rate * FC_LENGTH / self.slice_len
        return Layer(FC, FC_LENGTH, self.latent_dim, channels, 1, rate_hz)

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """What the layers of the Generator put out, (time, channels); ``pre_filter`` before out."""
        every = {layer.name: (layer.length, layer.channels) for layer in self.every_layer}
        if self.postfilter_len:
            every |= {"pre_filter": every["out"], "out": every.pop("out")}
        return every

    @property
    def every_layer(self) -> tuple[Layer, ...]:
        """The Generator's layers, ``fc``, ``conv1`` .. ``out``."""
        return self.fc, *self.layers

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The Generator's convolutional layers, ``conv1`` .. ``out``."""
        names = [*(f"conv{i}" for i in range(1, self.depth)), "out"]
        lengths = [FC_LENGTH * math.prod(self._strides[: i + 1]) for i in range(self.depth)]
        return self._layers(names, lengths, [self.fc.channels, *self._channels[1:]])

    @property
    def _channels(self) -> list[int]:
        """Channels of the Generator's usual layers, from the projection to ``out``.

        They halve at each layer of the original; in the deeper model, whose pairs of stride-2
        layers stand for one of stride 4, at the second of each pair.
        """
        channels = [2 ** (len(_BLOCK_STRIDES[self.slice_len]) - 1) * self.dim]
        for block_stride in _BLOCK_STRIDES[self.slice_len]:
            if self.stride == 2 and block_stride == 4:
                channels.append(channels[-1])
            channels.append(channels[-1] // 2)
        channels[-1] = self.num_channels
        return channels

    @property
    def classifier_layers(self) -> tuple[Layer, ...]:
        """The convolutions of Discriminator and Q-network: the usual Generator mirrored.

        Only the strides are not: at slice_len 32768 that of 2 comes last, as in the Generator. The
        port's have five layers also where its Generator has six.
        """
        channels = [self.num_channels, *reversed(self._channels[:-1])]
        depth = 5 if self.of_port else self.depth
        names = [f"conv{i}" for i in range(1, depth + 1)]
        lengths = [self.slice_len // math.prod(self._strides[: i + 1]) for i in range(depth)]
        return self._layers(names, lengths, channels[: depth + 1])

    def _layers(self, names: list, lengths: list, channels: list) -> tuple[Layer, ...]:
        rates_hz = [self.sample_rate * length / self.slice_len for length in lengths]
        strides = self._strides[: len(names)]
        columns = names, lengths, channels[:-1], channels[1:], strides, rates_hz
        return tuple(Layer(*values) for values in zip(*columns, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as a dictionary of plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, options: dict[str, Any]) -> "ModelConfig":
        """Makes a config of ``to_dict``'s dictionary.

        Raises:
            InputError: An option is unknown or its value breaks its rule.
        """
        return build(cls, options)

    def differences(self, other: "ModelConfig") -> list[str]:
        """Lists the options in which two configs differ, each as ``name: mine, other``."""
        mine, theirs = self.to_dict(), other.to_dict()
        return [f"{k}: {mine[k]}, {theirs[k]}" for k in mine if mine[k] != theirs[k]]
