"""WAV, AIFF and NIST SPHERE files: headers and uncompressed samples, read with NumPy.

Each decoder takes the bytes of a file and returns a ``Decoded``. TIMIT's ``.WAV`` files are SPHERE;
which decoder is right is told by the first bytes (``audio.decode``), never by the name.
"""

import functools
import struct
from typing import NamedTuple

import numpy as np

from wavegan_tf.errors import InputError


class Decoded(NamedTuple):
    """A recording as it is in its file.

    Attributes:
        samples: float32 [time, channels]; integers are divided by their full scale (int16: 32768).
        rate_hz: The sampling rate, int.
        format: What the file is, for reports: ``WAV 16-bit``.
    """

    samples: np.ndarray
    rate_hz: int
    format: str


_INT, _UNSIGNED, _FLOAT, _MU_LAW, _A_LAW = "int", "unsigned", "float", "mu-law", "A-law"
_BITS = {_INT: (8, 16, 24, 32), _UNSIGNED: (8,), _FLOAT: (32, 64), _MU_LAW: (8,), _A_LAW: (8,)}

_WAV_EXTENSIBLE = 0xFFFE
_WAV_CODECS = {1: _INT, 2: "ADPCM", 3: _FLOAT, 6: _A_LAW, 7: _MU_LAW, 17: "IMA ADPCM", 85: "MP3"}
# A program that writes to a pipe cannot know the length: ffmpeg writes 2^32 - 1, sox 2^31 - 4096.
_WAV_LENGTH_UNKNOWN = 0x7FFFF000

_AIFC_CODECS = {  # compression type, in lower case: kind, byte order
    **{name: (_INT, ">") for name in (b"none", b"twos", b"in24", b"in32")},
    b"sowt": (_INT, "<"),
    **{name: (_FLOAT, ">") for name in (b"fl32", b"fl64")},
    b"ulaw": (_MU_LAW, ">"),
    b"alaw": (_A_LAW, ">"),
}
_SPHERE_CODECS = {"pcm": _INT, "ulaw": _MU_LAW, "mu-law": _MU_LAW, "alaw": _A_LAW}
_SPHERE_ORDERS = {
    **{name: "<" for name in ("01", "012", "0123")},
    **{name: ">" for name in ("10", "210", "3210")},
}


def decode_wav(data: bytes) -> Decoded:
    """Decodes a RIFF WAVE file of PCM (8, 16, 24, 32 bits), float (32, 64), mu-law or A-law.

    Raises:
        InputError: It is truncated, damaged or coded in another way.
    """
    fmt, body = _wav_chunks(data)
    codec, channels, rate_hz, _, block_len, bits = struct.unpack_from("<HHIIHH", fmt)
    if codec == _WAV_EXTENSIBLE and len(fmt) >= 26:
        (codec,) = struct.unpack_from("<H", fmt, 24)
    kind = _WAV_CODECS.get(codec, f"codec {codec}")
    if kind == _INT and bits == 8:
        kind = _UNSIGNED
    if channels and block_len * 8 != channels * bits and bits in _BITS.get(kind, ()):
        raise InputError(
            f"a damaged WAV: frames of {block_len} bytes, each of {channels} channels of {bits} "
            "bits"
        )
    return _decoded("WAV", body, kind, bits, "<", channels, rate_hz)


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


def decode_aiff(data: bytes) -> Decoded:
    """Decodes an AIFF or AIFF-C file of PCM (8 .. 32 bits, also `sowt`), float, mu-law or A-law.

    Raises:
        InputError: It is truncated, damaged or compressed in another way.
    """
    common, body = _aiff_chunks(data)
    channels, num_frames, bits = struct.unpack_from(">HIH", common)
    exponent, mantissa = struct.unpack_from(">HQ", common, 8)  # an 80-bit float
    if exponent > 16383 + 63:
        raise InputError("an AIFF with a damaged sampling rate")
    rate_hz = round(mantissa * 2.0 ** (exponent - 16383 - 63))
    compression = common[18:22] if data[8:12] == b"AIFC" else b"NONE"
    kind, order = _AIFC_CODECS.get(compression.lower(), (repr(compression), ">"))
    if kind in (_MU_LAW, _A_LAW):
        bits = 8  # the header may give those of the samples once expanded
    num_bytes = num_frames * channels * bits // 8
    if kind in _BITS and num_bytes > len(body):
        raise InputError(f"a truncated AIFF: {num_bytes} bytes announced, {len(body)} there")
    return _decoded("AIFF", body[:num_bytes], kind, bits, order, channels, rate_hz)


def _aiff_chunks(data):
    """The contents of the `COMM` chunk and the samples of the `SSND` chunk."""
    common = body = None
    start = 12
    while start + 8 <= len(data):
        name, size = struct.unpack_from(">4sI", data, start)
        start += 8
        left = len(data) - start
        if size > left:
            raise InputError(f"a truncated AIFF: {size} bytes announced in {name!r}, {left} there")
        if name == b"COMM":
            common = data[start : start + size]
        if name == b"SSND" and size >= 8:
            (offset,) = struct.unpack_from(">I", data, start)
            body = data[start + 8 + offset : start + size]
        start += size + size % 2
    min_len = 22 if data[8:12] == b"AIFC" else 18
    if common is None or len(common) < min_len or body is None:
        raise InputError("an AIFF without its COMM and SSND chunks (truncated or damaged)")
    return common, body


def decode_sphere(data: bytes) -> Decoded:
    """Decodes a NIST SPHERE file of PCM (8, 16, 24, 32 bits), mu-law or A-law, such as TIMIT's.

    Raises:
        InputError: It is truncated, damaged or compressed (shorten).
    """
    header_len, fields = _sphere_header(data)
    try:
        rate_hz, num_bytes = int(fields["sample_rate"]), int(fields["sample_n_bytes"])
        channels = int(fields.get("channel_count", 1))
        num_frames = int(fields.get("sample_count", -1))
    except (KeyError, ValueError):
        raise InputError(
            "a SPHERE file without whole numbers for sample_rate and sample_n_bytes in its header"
        ) from None
    coding = fields.get("sample_coding", "pcm").lower()
    if "shorten" in coding or "wavpack" in coding or "shortpack" in coding:
        raise InputError(f"a compressed SPHERE file ({coding}); expand it with sph2pipe")
    order_name = fields.get("sample_byte_format")
    order = "<" if num_bytes == 1 else _SPHERE_ORDERS.get(order_name)
    if order is None:
        raise InputError(f"a SPHERE file of the unknown sample_byte_format {order_name}")
    body = data[header_len:]
    if num_frames >= 0 and channels > 0 and num_bytes > 0:
        wanted = num_frames * channels * num_bytes
        if wanted > len(body):
            raise InputError(
                f"a truncated SPHERE file: {wanted} bytes announced, {len(body)} there"
            )
        body = body[:wanted]
    kind = _SPHERE_CODECS.get(coding, coding)
    return _decoded("SPHERE", body, kind, 8 * num_bytes, order, channels, rate_hz)


def _sphere_header(data):
    """The header's length in bytes and its fields, str to str."""
    try:
        header_len = int(data[8:16])
        lines = data[16:header_len].decode("latin-1").split("\n")
        end = lines.index("end_head") if len(data) >= header_len else None
    except ValueError:
        end = None
    if end is None:
        raise InputError("a SPHERE file with a truncated or damaged header")
    fields = [line.split(None, 2) for line in lines[:end]]
    return header_len, {field[0]: field[2].strip() for field in fields if len(field) == 3}


def _decoded(container, body, kind, bits, order, channels, rate_hz):
    """A Decoded of the interleaved samples in `body`."""
    if kind not in _BITS:
        raise InputError(f"{container} coded as {kind}, which is not read")
    if bits not in _BITS[kind]:
        raise InputError(f"{container} of {bits} bits coded as {kind}, which is not read")
    frame_len = channels * bits // 8
    if frame_len < 1 or len(body) % frame_len:
        raise InputError(
            f"damaged {container}: {len(body)} bytes in frames of {frame_len} bytes, each of "
            f"{channels} channels of {bits} bits"
        )
    samples = _samples(body, kind, bits, order).reshape(-1, channels)  # [time, channels]
    name = {_FLOAT: f"float{bits}", _MU_LAW: _MU_LAW, _A_LAW: _A_LAW}.get(kind, f"{bits}-bit")
    return Decoded(samples, rate_hz, f"{container} {name}")


def _samples(body, kind, bits, order):
    """Interleaved samples, full scale one: float32 [time * channels]."""
    if kind in (_MU_LAW, _A_LAW):
        return _expansion(kind)[np.frombuffer(body, np.uint8)]
    if kind == _FLOAT:
        with np.errstate(over="ignore"):  # a float64 that exceeds float32 is refused as infinite
            return np.frombuffer(body, f"{order}f{bits // 8}").astype(np.float32)
    full_scale = np.float32(2 ** (bits - 1))
    if kind == _UNSIGNED:
        return (np.frombuffer(body, np.uint8).astype(np.float32) - full_scale) / full_scale
    if bits == 24:
        padded = np.zeros([len(body) // 3, 4], np.uint8)  # the lowest byte of an int32 is zero
        padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)[
            :, :: 1 if order == "<" else -1
        ]
        return (padded.view("<i4")[:, 0] >> 8).astype(np.float32) / full_scale
    return np.frombuffer(body, f"{order}i{bits // 8}").astype(np.float32) / full_scale


@functools.lru_cache(maxsize=2)
def _expansion(kind):
    """The sample of each byte of mu-law or A-law (ITU-T G.711), float32 [256]."""
    code = np.arange(256) ^ (0xFF if kind == _MU_LAW else 0x55)
    exponent, mantissa = code >> 4 & 7, code & 15
    if kind == _MU_LAW:
        size = ((mantissa << 3) + 0x84 << exponent) - 0x84
        sign = np.where(code & 0x80, -1, 1)
    else:
        size = (mantissa << 4) + 8 + np.where(exponent, 0x100, 0) << np.maximum(exponent - 1, 0)
        sign = np.where(code & 0x80, 1, -1)
    return (sign * size / 32768).astype(np.float32)
