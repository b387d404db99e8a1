"""Audio files to arrays: WAV, AIFF, NIST SPHERE, FLAC, MP3 and OGG Vorbis.

The only module that imports tensorflow_io, whose decoders read FLAC, MP3 and OGG Vorbis. They are
handed nothing but files whose header was recognised here, because tensorflow-io 0.37.1 aborts the
process on an empty OGG and never returns from some damaged FLAC files. The uncompressed formats are
read with NumPy (``pcm``): tensorflow-io reads 32-bit PCM wrongly without a word, and 8-bit, 24-bit
and float64 not at all.
"""

import dataclasses
import functools
import hashlib
import math
import struct

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio
from scipy import signal

from wavegan_tf.data.pcm import Decoded, decode_aiff, decode_sphere, decode_wav
from wavegan_tf.errors import InputError

WAY_OUT = "convert it to WAV (PCM or float), FLAC, MP3 or OGG Vorbis, or leave it out"

# Rates outside these bounds come from damaged headers, not from recordings of speech.
_RATES_HZ = (1_000, 1_000_000)
_HEAD_LEN = 4096
# Rates whose ratio to the target has no smaller terms than this need a needlessly long filter.
_MAX_RESAMPLING_TERM = 50_000

# FLAC frames to append, so that tensorflow-io fails where samples are missing. If the last frame of
# a file is damaged, its loop asks the decoder for ever; a frame of another place (variable blocks,
# 192 samples of one channel, from sample 2^36 - 1 on: all zero) makes it give up. In a whole file
# the loop ends before it. There are many, since a damaged frame can swallow some.
_FLAC_STOP = 256 * bytes.fromhex("fff91002febfbfbfbfbfbfd6000054d6")

_OTHER_FORMATS = (  # (offset of the magic bytes, magic bytes, name)
    (0, b"FORM", "an IFF file that is not AIFF"),
    (0, b"RF64", "an RF64 file (a WAV above 4 GB)"),
    (0, b"RIFX", "a big-endian RIFX file"),
    (0, b"RIFF", "a RIFF file that is not WAVE"),
    (0, b"OggS", "an Ogg file that is not Vorbis"),
    (0, b".snd", "a Sun AU file"),
    (0, b"caff", "a Core Audio file"),
    (4, b"ftyp", "an MP4 or M4A file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
)


class UnknownFormatError(InputError):
    """A file whose first bytes are those of no audio format: perhaps it was not meant as audio."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a recording once it was read.

    Attributes:
        format: Such as ``WAV 16-bit``.
        rate_hz: The file's sampling rate.
        channels: The file's channels.
        duration_s: The file's duration, s.
        num_samples: Samples per channel after resampling.
        level: RMS about the mean after resampling, before normalisation; full scale is 1.
        digest: Of the decoded samples and their rate: equal for equal content in any format that
            keeps it.
    """

    format: str
    rate_hz: int
    channels: int
    duration_s: float
    num_samples: int
    level: float
    digest: str


def decode(path: str) -> Decoded:
    """Reads an audio file; the format is told by its first bytes, not by its name.

    Args:
        path: WAV, AIFF or NIST SPHERE (PCM of 8, 16, 24 or 32 bits, float, mu-law, A-law), FLAC (8,
            16 or 24 bits), MP3 or OGG Vorbis.

    Returns:
        (samples, rate_hz, format): float32 [time, channels], int, str.

    Raises:
        UnknownFormatError: It is no audio file.
        InputError: The file cannot be read, is of a format that is not read, truncated or damaged,
            has no samples, or has samples that are NaN or infinite.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_LEN)
            # A film is not read to find that it is none of ours; a tag can be of any length.
            decoder = _decode_tagged if head[:3] == b"ID3" else _decoder_of(head)
            data = head + file.read()
        decoded = decoder(data)
        _check_samples(decoded.samples, decoded.rate_hz)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check its name and rights"
        ) from error
    except InputError as error:
        raise type(error)(f"{path}: {error}; {WAY_OUT}") from None
    except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
        raise InputError(f"{path}: truncated or damaged; {WAY_OUT}") from error
    return decoded


def load(
    path: str, *, sample_rate_hz: int, num_channels: int, peak_normalize: bool = True
) -> tuple[np.ndarray, Facts]:
    """Reads an audio file at the model's rate and with its number of channels.

    Several channels are averaged into one, or one is copied into several. Resampling is
    `resample`. Peak normalisation divides the file by its largest absolute value; a silent file
    stays silent.

    Args:
        path: An audio file that `decode` reads.
        sample_rate_hz: The rate wanted, int.
        num_channels: The number of channels wanted.
        peak_normalize: Whether to scale the file to a peak of one.

    Returns:
        (samples, facts): float32 [time, num_channels], and what was found.

    Raises:
        InputError: `decode` cannot read the file, the rates have no usable ratio, or the file's
            channels cannot become `num_channels`.
    """
    decoded = decode(path)
    try:
        samples = _with_channels(decoded.samples, num_channels)
        samples = resample(samples, decoded.rate_hz, sample_rate_hz)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    num_frames, channels = decoded.samples.shape
    facts = Facts(
        format=decoded.format,
        rate_hz=decoded.rate_hz,
        channels=channels,
        duration_s=num_frames / decoded.rate_hz,
        num_samples=len(samples),
        level=float(samples.std(dtype=np.float64)),
        digest=_digest(decoded),
    )
    if peak_normalize:
        peak = np.abs(samples).max()
        samples = samples / (peak if peak > 0 else np.float32(1))
    return samples, facts


def _digest(decoded):
    digest = hashlib.blake2b(
        repr((decoded.rate_hz, decoded.samples.shape)).encode(), digest_size=16
    )
    digest.update(np.ascontiguousarray(decoded.samples))
    return digest.hexdigest()


def resample(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Changes the sampling rate with scipy's polyphase filter and a long Kaiser window.

    The filter passes 0 to 0.91 of the lower of the two Nyquist frequencies and suppresses all above
    that frequency by 90 dB. (scipy's default filter lets a tone 2 % above it through at -9 dB;
    tensorflow-io's resampler is as clean as this one, but several times slower.)

    Args:
        samples: float32 [time, channels].
        from_hz: The rate of `samples`, int.
        to_hz: The rate wanted, int.

    Returns:
        float32 [ceil(time * to_hz / from_hz), channels].

    Raises:
        InputError: The ratio of the rates has no terms below 50000.
    """
    common = math.gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    if up == down:
        return samples
    if max(up, down) > _MAX_RESAMPLING_TERM:
        raise InputError(
            f"{from_hz} Hz to {to_hz} Hz is a ratio of {up}:{down}, whose terms must not exceed "
            f"{_MAX_RESAMPLING_TERM}; resample the file to {to_hz} Hz beforehand"
        )
    return signal.resample_poly(samples, up, down, axis=0, window=_lowpass(max(up, down)))


@functools.lru_cache(maxsize=16)
def _lowpass(term):
    """The low-pass for a ratio whose larger term is `term`: float32 [128 * term + 1].

    With 64 zero crossings on each side a Kaiser window of 90 dB leaves a transition of 0.09 of the
    lower Nyquist frequency, which is placed to end at that frequency.
    """
    half_len = 64 * term
    cutoff = (1 - 0.045) / term
    taps = signal.firwin(2 * half_len + 1, cutoff, window=("kaiser", signal.kaiser_beta(90)))
    return taps.astype(np.float32)


def _with_channels(samples, num_channels):
    """[time, channels] -> [time, num_channels]."""
    found = samples.shape[1]
    if num_channels == found:
        return samples
    if num_channels == 1:
        return samples.mean(axis=1, keepdims=True, dtype=np.float32)
    if found == 1:
        return np.repeat(samples, num_channels, axis=1)
    raise InputError(
        f"{found} channels cannot become {num_channels}: only several to one (averaged) and one to "
        f"several (copied) are defined; use --data_num_channels=1 or {found}"
    )


def _check_samples(samples, sample_rate_hz):
    low, high = _RATES_HZ
    if not low <= sample_rate_hz <= high:
        raise InputError(f"a sampling rate of {sample_rate_hz} Hz, outside {low} .. {high}")
    if samples.size == 0:
        raise InputError("no samples (an empty recording, or one whose header gives no length)")
    bad = samples.size - np.count_nonzero(np.isfinite(samples))
    if bad:
        raise InputError(f"{bad} of {samples.size} samples are NaN or infinite")


def _decode_tagged(data):
    """Decodes what follows an ID3v2 tag, which MP3 files (and some FLAC files) carry."""
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    footer_len = 10 if len(data) > 5 and data[5] & 0x10 else 0
    data = data[10 + size + footer_len :].lstrip(b"\0")
    return _decoder_of(data)(data)


def _decoder_of(head):
    """The function that decodes the bytes which start with these into a Decoded."""
    if not head:
        raise InputError("an empty file")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return decode_wav
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return decode_aiff
    if head[:7] == b"NIST_1A":
        return decode_sphere
    if head[:4] == b"fLaC":
        return _decode_flac
    if head[:4] == b"OggS" and _vorbis_header(head)[:7] == b"\x01vorbis":
        return _decode_vorbis
    if _mp3_rate_hz(head):
        return _decode_mp3
    for offset, magic, name in _OTHER_FORMATS:
        if head[offset : offset + len(magic)] == magic:
            raise InputError(f"{name}, which is not read")
    raise UnknownFormatError(f"not a known audio format (it starts with {head[:8]!r})")


def _decode_flac(data):
    if len(data) < 42:
        raise InputError("a truncated FLAC header")
    fields = int.from_bytes(data[18:26], "big")  # rate 20 bits, channels 3, bits 5, samples 36
    rate_hz, bits, md5 = fields >> 44, (fields >> 36 & 0x1F) + 1, data[26:42]
    if bits not in (8, 16, 24):
        raise InputError(f"a FLAC of {bits} bits; 8, 16 and 24 are read")
    dtype = {8: tf.uint8, 16: tf.int16, 24: tf.int32}[bits]
    with tf.device("CPU"):
        decoded = tfio.audio.decode_flac(data + _FLAC_STOP, dtype=dtype).numpy()
    samples = decoded.astype(np.int32)
    if bits == 8:
        samples -= 128
    if bits == 24:
        samples >>= 8
    little_endian = samples.astype("<i4")[..., None].view(np.uint8)[..., : bits // 8]
    if any(md5) and hashlib.md5(little_endian.tobytes()).digest() != md5:
        raise InputError("a damaged FLAC: its samples do not have the checksum of its header")
    samples = samples.astype(np.float32) / np.float32(2 ** (bits - 1))
    return Decoded(samples, rate_hz, f"FLAC {bits}-bit")


def _decode_vorbis(data):
    _, _, rate_hz = struct.unpack_from("<IBI", _vorbis_header(data), 7)
    with tf.device("CPU"):
        return Decoded(tfio.audio.decode_vorbis(data).numpy(), rate_hz, "OGG Vorbis")


def _decode_mp3(data):
    with tf.device("CPU"):
        return Decoded(tfio.audio.decode_mp3(data).numpy(), _mp3_rate_hz(data), "MP3")


def _vorbis_header(data):
    """The start of the first packet of an Ogg file, zero padded: 16 bytes."""
    num_segments = data[26] if len(data) > 26 else 0
    return data[27 + num_segments :][:16].ljust(16, b"\0")


def _mp3_rate_hz(data):
    """The rate in the frame header that `data` starts with, or None if there is no such header."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:  # sync bits, layer III
        return None
    divisor = {3: 1, 2: 2, 0: 4}.get(data[1] >> 3 & 3)  # MPEG 1, 2, 2.5
    base_hz = {0: 44100, 1: 48000, 2: 32000}.get(data[2] >> 2 & 3)
    if divisor is None or base_hz is None or data[2] >> 4 == 15:
        return None
    return base_hz // divisor
