"""Audio files to arrays: WAV, FLAC, MP3 and OGG Vorbis.

The only module that imports tensorflow_io, whose decoders read FLAC, MP3 and OGG Vorbis. They are
handed nothing but files whose header was recognised here, because tensorflow-io 0.37.1 aborts the
process on an empty OGG and never returns from some damaged FLAC files. WAV is read with NumPy:
tensorflow-io reads 32-bit PCM wrongly without a word, and 8-bit, 24-bit and float64 not at all.
"""

import functools
import hashlib
import math
import struct

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio
from scipy import signal

from wavegan_tf.errors import InputError

_WAY_OUT = "convert it to WAV (PCM or float), FLAC, MP3 or OGG Vorbis, or leave it out"

# Rates outside these bounds come from damaged headers, not from recordings of speech.
_RATES_HZ = (1_000, 1_000_000)
# Rates whose ratio to the target has no smaller terms than this need a needlessly long filter.
_MAX_RESAMPLING_TERM = 50_000

_WAV_PCM, _WAV_FLOAT, _WAV_EXTENSIBLE = 1, 3, 0xFFFE
_WAV_FULL_SCALE = {  # by codec and bits
    **{(_WAV_PCM, bits): np.float32(2 ** (bits - 1)) for bits in (8, 16, 24, 32)},
    **{(_WAV_FLOAT, bits): np.float32(1) for bits in (32, 64)},
}
_WAV_CODECS = {1: "PCM", 2: "ADPCM", 3: "float", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM"}
# A program that writes to a pipe cannot know the length: ffmpeg writes 2^32 - 1, sox 2^31 - 4096.
_WAV_LENGTH_UNKNOWN = 0x7FFFF000

# FLAC frames to append, so that tensorflow-io fails where samples are missing. If the last frame of
# a file is damaged, its loop asks the decoder for ever; a frame of another place (variable blocks,
# 192 samples of one channel, from sample 2^36 - 1 on: all zero) makes it give up. In a whole file
# the loop ends before it. There are many, since a damaged frame can swallow some.
_FLAC_STOP = 256 * bytes.fromhex("fff91002febfbfbfbfbfbfd6000054d6")

_OTHER_FORMATS = (  # (offset of the magic bytes, magic bytes, name)
    (0, b"NIST_1A", "a NIST SPHERE file"),
    (0, b"FORM", "an AIFF file"),
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


def decode(path: str) -> tuple[np.ndarray, int]:
    """Reads an audio file; the format is told by its first bytes, not by its name.

    Integer samples are divided by their full scale (int16 by 32768).

    Args:
        path: WAV (PCM of 8, 16, 24 or 32 bits, float32, float64), FLAC (8, 16 or 24 bits), MP3 or
            OGG Vorbis.

    Returns:
        (samples, sample_rate_hz): float32 [time, channels] and int.

    Raises:
        InputError: The file cannot be read, is of another format, truncated or damaged, has no
            samples, or has samples that are NaN or infinite.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check its name and rights"
        ) from error
    try:
        data = _without_id3(data)
        samples, sample_rate_hz = _decoder_of(data)(data)
        _check_samples(samples, sample_rate_hz)
    except InputError as error:
        raise InputError(f"{path}: {error}; {_WAY_OUT}") from None
    except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
        raise InputError(f"{path}: truncated or damaged; {_WAY_OUT}") from error
    return samples, sample_rate_hz


def load(
    path: str, *, sample_rate_hz: int, num_channels: int, peak_normalize: bool = True
) -> np.ndarray:
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
        float32 [time, num_channels].

    Raises:
        InputError: `decode` cannot read the file, the rates have no usable ratio, or the file's
            channels cannot become `num_channels`.
    """
    samples, file_rate_hz = decode(path)
    try:
        samples = resample(_with_channels(samples, num_channels), file_rate_hz, sample_rate_hz)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if peak_normalize:
        peak = np.abs(samples).max()
        samples = samples / (peak if peak > 0 else np.float32(1))
    return samples


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


def _without_id3(data):
    """Drops a leading ID3v2 tag, which MP3 files (and some FLAC files) carry."""
    if data[:3] != b"ID3" or len(data) < 10:
        return data
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    footer_len = 10 if data[5] & 0x10 else 0
    return data[10 + size + footer_len :].lstrip(b"\0")


def _decoder_of(data):
    """The function that decodes these bytes into (float32 [time, channels], rate in Hz)."""
    if not data:
        raise InputError("an empty file")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _decode_wav
    if data[:4] == b"fLaC":
        return _decode_flac
    if data[:4] == b"OggS" and _vorbis_header(data)[:7] == b"\x01vorbis":
        return _decode_vorbis
    if _mp3_rate_hz(data):
        return _decode_mp3
    for offset, magic, name in _OTHER_FORMATS:
        if data[offset : offset + len(magic)] == magic:
            raise InputError(f"{name}, which is not read")
    raise InputError(f"not a known audio format (it starts with {data[:8]!r})")


def _decode_wav(data):
    fmt, body = _wav_chunks(data)
    codec, channels, rate_hz, _, block_len, bits = struct.unpack_from("<HHIIHH", fmt)
    if codec == _WAV_EXTENSIBLE and len(fmt) >= 26:
        (codec,) = struct.unpack_from("<H", fmt, 24)
    if (codec, bits) not in _WAV_FULL_SCALE:
        raise InputError(f"a WAV of {bits} bits coded as {_WAV_CODECS.get(codec, codec)}")
    if not channels or block_len * 8 != channels * bits or len(body) % block_len:
        raise InputError(
            f"a damaged WAV: {len(body)} bytes in frames of {block_len} bytes, each of {channels} "
            f"channels of {bits} bits"
        )
    samples = _wav_samples(body, codec, bits).reshape(-1, channels)  # [time, channels]
    return samples / _WAV_FULL_SCALE[codec, bits], rate_hz


def _wav_chunks(data):
    """The contents of the `fmt ` and `data` chunks."""
    fmt = None
    start = 12
    while start + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, start)
        start += 8
        left = len(data) - start
        if name == b"data" and size >= _WAV_LENGTH_UNKNOWN:
            size = left
        if size > left:
            raise InputError(f"a truncated WAV: {size} bytes announced in {name!r}, {left} there")
        if name == b"fmt ":
            fmt = data[start : start + size]
        if name == b"data" and fmt is not None and len(fmt) >= 16:
            return fmt, data[start : start + size]
        start += size + size % 2
    raise InputError("a WAV without a format and data chunk (its header is truncated or damaged)")


def _wav_samples(body, codec, bits):
    """The samples of all channels, interleaved, before scaling: float32 [time * channels]."""
    if codec == _WAV_PCM and bits == 8:  # unsigned
        return np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)
    if codec == _WAV_PCM and bits == 24:
        padded = np.zeros([len(body) // 3, 4], np.uint8)
        padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
        return (padded.view("<i4")[:, 0] >> 8).astype(np.float32)
    kind = "i" if codec == _WAV_PCM else "f"
    with np.errstate(over="ignore"):  # a float64 that exceeds float32 is refused as infinite
        return np.frombuffer(body, f"<{kind}{bits // 8}").astype(np.float32)


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
    return samples.astype(np.float32) / np.float32(2 ** (bits - 1)), rate_hz


def _decode_vorbis(data):
    _, _, rate_hz = struct.unpack_from("<IBI", _vorbis_header(data), 7)
    with tf.device("CPU"):
        return tfio.audio.decode_vorbis(data).numpy(), rate_hz


def _decode_mp3(data):
    with tf.device("CPU"):
        return tfio.audio.decode_mp3(data).numpy(), _mp3_rate_hz(data)


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
