"""Recordings to samples: FFmpeg decodes them (PyAV), SciPy changes their rate.

A recording is as long as the frames in its file: `containers` finds all of them, and what a header
promises is compared with what was decoded.
"""

import dataclasses
import functools
import hashlib
import io
import math
import os
import re
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import av
import numpy as np
import scipy
from av.codec.context import Flags2
from av.container import InputContainer

from wavegan_tf.data import containers
from wavegan_tf.errors import InputError

WAY_OUT = "convert it to WAV (PCM or float), FLAC, MP3 or OGG Vorbis, or leave it out"

_RATES_HZ = (1_000, 1_000_000)  # others come from damaged headers, not from recordings of speech
_HEAD_LEN = 8192
# Rates whose ratio to the target has no smaller terms than this need a needlessly long filter.
_MAX_RESAMPLING_TERM = 50_000
# Samples from a block to the next, at least, and in the windows of the blocks made at once.
_LEAST_STEP, _RESAMPLED_AT_ONCE = 100, 2**18
_MAX_VORBIS_BLOCK = 8192
_MAX_PLANES = 8  # PyAV reads beyond its memory for more; only a damaged header tells of more
_TIMED = ("asf", "flac", "matroska", "mov", "ogg")  # what has the time of each packet
_GAP_S = 0.015  # in the time stamps; those of Matroska are whole milliseconds
_FORMATS = (  # place of the magic bytes, magic bytes, FFmpeg's demuxer, name in reports
    (8, b"WAVE", "wav", "WAV"),
    (8, b"AIFF", "aiff", "AIFF"),
    (8, b"AIFC", "aiff", "AIFF"),
    (0, b"NIST_1A", "nistsphere", "SPHERE"),
    (0, b"fLaC", "flac", "FLAC"),
    (0, b"OggS", "ogg", "OGG"),
    (4, b"ftyp", "mov", "MP4"),
    (0, b"#!AMR", "amr", "AMR"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf", "ASF"),
    (0, b"\x1a\x45\xdf\xa3", "matroska", "Matroska"),
    (0, b".snd", "au", "AU"),
    (0, b"caff", "caf", "CAF"),
    (0, b"riff\x2e\x91\xcf\x11", "w64", "W64"),
)
# Formats and codings of which a header gives the exact number of samples.
_EXACT, _EXACT_CODECS = ("aiff", "nistsphere", "flac", "au", "caf", "w64"), ("pcm_", "flac")
# Their headers say all: to look into the sound as well takes most of the time of a short file.
_OPTIONS = {name: {"probesize": "32"} for name in ("wav", "aiff", "nistsphere", "flac")}
_OPTIONS["wav"]["max_size"] = "1048576"  # bytes in a packet
_LOOKED_AT = 650  # bytes, for the coding that they may be, in the time that a packet takes
_PCM_NAME = re.compile(r"pcm_([suf])(\d+)")
_CODEC_NAMES = {"pcm_mulaw": "mu-law", "pcm_alaw": "A-law", "vorbis": "Vorbis", "opus": "Opus"}


class UnknownFormatError(InputError):
    """A file whose first bytes are those of no audio format: perhaps it was not meant as audio."""


class Audio(NamedTuple):
    """A recording as it is in its file."""

    samples: np.ndarray  # float32 [time, channels]; integers are divided by their full scale
    rate_hz: int
    format: str  # such as "WAV 16-bit"
    remark: str  # what of the file was left out or is missing, or ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a recording once it was read."""

    format: str
    rate_hz: int  # of the file, as the channels
    channels: int
    num_decoded: int  # samples per channel of the file
    num_samples: int  # per channel, after resampling
    level: float  # RMS about the mean after resampling, before normalisation; full scale is 1
    digest: str  # of samples and rate: equal for equal content in any format that keeps it
    remark: str  # what of the file was left out or is missing, or ""

    @property
    def duration_s(self) -> float:
        """The duration of the file, in seconds."""
        return self.num_decoded / self.rate_hz


def read_audio(path: str | os.PathLike[str]) -> Audio:
    """Reads a recording at its own rate; its first bytes tell the format, not its name.

    WAV, AIFF, NIST SPHERE, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), MP4 (M4A), AAC, AMR, WMA, AU, CAF,
    W64 and WebM, of any coding that FFmpeg decodes.

    Raises:
        UnknownFormatError: It is no audio file.
        InputError: The file cannot be read, is truncated or damaged, or has samples that are none,
            NaN or infinite.
    """
    try:
        with open(path, "rb") as file:
            demuxer, name = _recognise(file)
            audio = _decode(file.read(), demuxer, name)
        low, high = _RATES_HZ
        if not low <= audio.rate_hz <= high:
            raise InputError(f"a sampling rate of {audio.rate_hz} Hz, outside {low} .. {high}")
        if bad := audio.samples.size - np.count_nonzero(np.isfinite(audio.samples)):
            raise InputError(f"{bad} of {audio.samples.size} samples are NaN or infinite")
    except InputError as error:
        raise type(error)(f"{path}: {error}; {WAY_OUT}") from None
    except av.FFmpegError as error:
        reason = f"truncated or damaged ({name}, FFmpeg: {error.strerror})"
        if name == "SPHERE":
            reason += "; if it is a compressed SPHERE file, expand it with sph2pipe"
        raise InputError(f"{path}: {reason}; {WAY_OUT}") from error
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check its name and rights"
        raise InputError(f"{path}: {reason}") from error
    return audio


def is_audio(path: str | os.PathLike[str]) -> bool:
    """Tells by its first bytes whether a file is of a known format; also one that is damaged."""
    try:
        with open(path, "rb") as file:
            _recognise(file)
    except UnknownFormatError:
        return False
    except (InputError, OSError):  # empty, or not to be opened
        pass
    return True


def load(
    path: str | os.PathLike[str], *, sample_rate_hz: int, num_channels: int
) -> tuple[np.ndarray, Facts]:
    """Reads a recording at the model's rate and with its number of channels, its peak one.

    Several channels are averaged into one, or one is copied into several. The file is divided by
    its largest absolute value, as the original always does; a silent file stays silent. Returns
    the samples, float32 [time, num_channels], and what was found.

    Raises:
        InputError: `read_audio` cannot read the file, the rates have no usable ratio, or the file's
            channels cannot become `num_channels`.
    """
    audio = read_audio(path)
    try:
        samples = _with_channels(audio.samples, num_channels)
        samples = resample(samples, audio.rate_hz, sample_rate_hz)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    num_frames, channels = audio.samples.shape
    digest = hashlib.blake2b(repr((audio.rate_hz, audio.samples.shape)).encode(), digest_size=16)
    digest.update(audio.samples.data)
    facts = Facts(
        format=audio.format,
        rate_hz=audio.rate_hz,
        channels=channels,
        num_decoded=num_frames,
        num_samples=len(samples),
        level=float(samples.std(dtype=np.float64)),
        digest=digest.hexdigest(),
        remark=audio.remark,
    )
    return samples / (np.abs(samples).max() or np.float32(1)), facts


def resample(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Changes the sampling rate with a polyphase filter, a sinc in a long Kaiser window.

    The filter passes 0 to 0.91 of the lower of the two Nyquist frequencies and suppresses all above
    that frequency by 90 dB. (scipy's default filter lets a tone 2 % above it through at -9 dB.)
    float32 [time, channels] becomes [ceil(time * to_hz / from_hz), channels], to the bit what
    `scipy.signal.resample_poly` makes with this filter, in a fifth of its time.

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
            f"{_MAX_RESAMPLING_TERM}; resample the file to {to_hz} Hz first"
        )
    weights, step, lead = _polyphase(up, down)
    (rows, width), channels = weights.shape, samples.shape[1]
    num_samples = -(-len(samples) * up // down)
    num_blocks = -(-num_samples // rows)
    found = np.empty([num_blocks, rows, channels], samples.dtype)
    at_once = max(1, _RESAMPLED_AT_ONCE // width)
    for i in range(0, num_blocks, at_once):
        blocks, first = found[i : i + at_once], i * step - lead
        inputs = np.zeros([(len(blocks) - 1) * step + width, channels], samples.dtype)
        there = samples[max(first, 0) : first + len(inputs)]
        inputs[max(-first, 0) :][: len(there)] = there
        windows = np.lib.stride_tricks.sliding_window_view(inputs, width, axis=0)[::step]
        outputs = weights @ windows.reshape(-1, width).T  # [rows, blocks * channels]
        blocks[:] = outputs.reshape(rows, -1, channels).swapaxes(0, 1)
    return found.reshape(-1, channels)[:num_samples]


@functools.lru_cache(maxsize=16)
def _polyphase(up: int, down: int) -> tuple[scipy.sparse.csr_matrix, int, int]:
    """What makes a block of samples of the new rate of those of the old.

    Returns float32 weights [new, old], a filter in each row; the samples of the old rate from a
    block to the next; and those that the first block needs before the recording.
    """
    # With 64 zero crossings on each side a Kaiser window of 90 dB leaves a transition of 0.09 of
    # the lower Nyquist frequency, which is placed to end at that frequency.
    term = max(up, down)
    kaiser = ("kaiser", scipy.signal.kaiser_beta(90))
    taps = scipy.signal.firwin(128 * term + 1, (1 - 0.045) / term, window=kaiser)
    taps = np.append(taps.astype(np.float32) * np.float32(up), np.zeros(up, np.float32))
    repeats = -(-_LEAST_STEP // down)  # a small ratio in blocks of many samples
    last, phase = np.divmod(np.arange(up * repeats) * down + 64 * term, up)
    each = np.arange(-(128 * term // up), 1)  # the samples of a filter, the last one 0
    first = each[0] + last[0]
    columns = last[:, None] + each - first
    ends = np.arange(len(last) + 1) * len(each)
    entries = (taps[phase[:, None] - up * each].ravel(), columns.ravel(), ends)
    weights = scipy.sparse.csr_matrix(entries, [len(last), columns[-1, -1] + 1])
    return weights, down * repeats, -first


def _with_channels(samples: np.ndarray, num_channels: int) -> np.ndarray:
    """[time, channels] -> [time, num_channels]."""
    found = samples.shape[1]
    if num_channels == found:
        return samples
    if num_channels == 1:
        return samples.mean(axis=1, keepdims=True, dtype=np.float32)
    if found == 1:
        return np.repeat(samples, num_channels, axis=1)
    raise InputError(
        f"{found} channels cannot become {num_channels}: channels can only be averaged to one, or "
        f"one copied to several; use --data_num_channels=1 or {found}"
    )


def _recognise(file: BinaryIO) -> tuple[str, str]:
    """Finds FFmpeg's demuxer and the name of the format; the file then stands after its tags."""
    start, head = 0, file.read(_HEAD_LEN)
    while head[:3] == b"ID3":
        file.seek(start + containers.tags_end(head))
        while (head := file.read(_HEAD_LEN)) and not head.lstrip(b"\0"):
            pass
        head = head.lstrip(b"\0")
        start = file.tell() - len(head)
    file.seek(start)
    if not head:
        raise InputError("an empty file")
    for place, magic, demuxer, name in _FORMATS:
        if head[place : place + len(magic)] == magic:
            return demuxer, name
    if demuxer := containers.find_frames(head):
        return demuxer, demuxer.upper()
    raise UnknownFormatError(f"not a known audio format (it starts with {head[:8]!r})")


def _decode(data: bytes, demuxer: str, name: str) -> Audio:
    """Decodes the sound in the content of a file, or of several that are joined in it."""
    parts, remark = containers.split(data, demuxer)
    decoded = [_decode_one(part, demuxer, name) for part in parts]
    kinds = dict.fromkeys((audio.rate_hz, audio.samples.shape[1]) for audio in decoded)
    if len(kinds) > 1:
        raise _changes(name, kinds)
    samples = decoded[0].samples
    if len(decoded) > 1:
        samples = np.concatenate([audio.samples for audio in decoded])
    remarks = dict.fromkeys([remark, *(audio.remark for audio in decoded)])
    return decoded[0]._replace(samples=samples, remark="; ".join(filter(None, remarks)))


def _decode_one(data: bytes, demuxer: str, name: str) -> Audio:
    """Decodes the first stream of sound in the content of a file."""
    file, options = io.BytesIO(data), dict(_OPTIONS.get(demuxer, {}))
    if demuxer == "wav" and data[20:22] == b"\1\0":  # PCM: its first packet may be any coding
        options["max_size"] = str(max(16384, math.isqrt(len(data) * _LOOKED_AT)))
    with (
        np.errstate(over="ignore"),  # a float64 that exceeds float32 is refused as infinite
        av.open(file, format=demuxer, options=options, metadata_errors="replace") as container,
    ):
        assert isinstance(container, InputContainer)
        if not container.streams.audio:
            raise InputError(f"{name} without sound")
        stream = container.streams.audio[0]
        codec = stream.codec_context
        if codec is None:
            raise InputError(f"{name} coded in a way that FFmpeg does not know")
        if codec.name == "flac":
            codec.options = {"err_detect": "crccheck+explode"}
        is_vorbis = demuxer == "ogg" and codec.name == "vorbis"
        if is_vorbis:  # FFmpeg cuts a wrong number of samples off the end of a short one
            codec.flags2 |= Flags2.skip_manual
        blocks: list[np.ndarray] = []
        kinds, num_lost = {}, 0  # rates and channels; a dict keeps their order
        times: list[int | None] = []
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                if demuxer != "mp3":
                    raise
                num_lost += 1
                continue
            for frame in frames:
                assert isinstance(frame, av.AudioFrame)
                kinds[frame.sample_rate, frame.layout.nb_channels] = True
                blocks.append(_block(frame))
                times.append(frame.pts)
        if len(kinds) > 1:
            raise _changes(name, kinds)
        if len(blocks) <= is_vorbis:
            raise InputError("no samples (an empty recording, or one whose header gives no length)")
        ((rate_hz, _),) = kinds
        remarks = [f"{num_lost} damaged frames, left out"] if num_lost else []
        first, last = times[0], times[-1]
        if demuxer in _TIMED and first is not None and last is not None and stream.time_base:
            span_s = (last - first) * float(stream.time_base)
            gap_s = span_s - sum(map(len, blocks[:-1])) / rate_hz
            if gap_s > _GAP_S and demuxer in ("flac", "ogg"):
                raise InputError(f"a damaged {name}: {gap_s:.3f} s within it are missing")
            if gap_s > _GAP_S:
                remarks.append(f"{gap_s:.3f} s within it have no sound: a pause, or a loss")
        samples = np.concatenate(blocks[is_vorbis:])  # the first of Vorbis only begins the second
        announced = round((stream.duration or 0) * float(stream.time_base or 0) * rate_hz)
        excess = len(samples) - announced if announced else 0
        exact = demuxer in _EXACT and codec.name.startswith(_EXACT_CODECS)
        if exact and excess < 0:
            amount = f"{len(samples)} of {announced} samples are there"
            raise InputError(f"a truncated or damaged {name}: {amount}")
        if exact and excess > 0 and codec.name != "flac":
            remarks.append(f"{excess} samples after the {announced} announced, left out")
            samples = samples[:announced]
        if is_vorbis and 0 < excess < _MAX_VORBIS_BLOCK:
            samples = samples[:announced]
        return Audio(samples, rate_hz, _format_name(name, codec), "; ".join(remarks))


def _changes(name: str, kinds: Iterable[tuple[int, int]]) -> InputError:
    found = ", then ".join(f"{channels} at {rate_hz} Hz" for rate_hz, channels in kinds)
    return InputError(f"{name} whose channels or rate change midway: {found}; cut it there")


def _block(frame: av.AudioFrame) -> np.ndarray:
    """The samples of a frame, full scale one: float32 [time, channels]."""
    if frame.format.is_planar and frame.layout.nb_channels > _MAX_PLANES:
        raise InputError(f"{frame.layout.nb_channels} channels, more than {_MAX_PLANES}")
    found = frame.to_ndarray()  # [channels, time] or [1, time * channels]
    found = found.T if frame.format.is_planar else found.reshape(-1, frame.layout.nb_channels)
    samples = np.ascontiguousarray(found, np.float32)
    if found.dtype.kind != "f":
        full_scale = np.float32(2 ** (8 * found.dtype.itemsize - 1))
        if found.dtype.kind == "u":
            samples -= full_scale
        samples /= full_scale
    return samples


def _format_name(name: str, codec: av.AudioCodecContext) -> str:
    coding = _CODEC_NAMES.get(codec.name) or codec.name.removesuffix("float").upper()
    if found := _PCM_NAME.match(codec.name):
        coding = f"float{found[2]}" if found[1] == "f" else f"{found[2]}-bit"
    elif codec.name == "flac":
        bits = int.from_bytes((codec.extradata or b"")[12:14], "big") >> 4 & 31  # less one
        coding = f"FLAC {bits + 1}-bit".removeprefix(f"{name} ")
    return name if coding == name else f"{name} {coding}"
