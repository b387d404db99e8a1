"""Files to what FFmpeg decodes rightly: each of those joined alone, of its frames all and no more.

FFmpeg reads past much that is wrong with a file without a word - a second file behind the first, a
page that is damaged, an end that is missing - and stumbles over some headers that are right. What
it would not say is found here, in the bytes.
"""

import re
import struct
import zlib
from collections.abc import Callable

from wavegan_tf.errors import InputError

# How formats without a structure to follow begin: found again, it is another file joined to one.
_BEGINNINGS = {
    "aiff": rb"FORM....AIF[FC]",
    "amr": rb"#!AMR(?:-WB)?\n",
    "asf": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c",
    "au": rb"\.snd\0\0.{6}\0\0\0.",
    "caf": rb"caff\0\x01\0\0desc",
    "flac": rb"fLaC[\0\x80]\0\0\x22",
    "nistsphere": rb"NIST_1A\n *\d+\n",
    "w64": rb"riff\x2e\x91\xcf\x11",
}
_KBPS = (  # of layer III, of MPEG-1 and of the lower rates of MPEG-2 and 2.5
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MPEG_RATES_HZ = (44100, 48000, 32000)
_SURE = 3  # frames one after the other that are no accident
# A first frame that tells the number of frames and bytes: of Xing or LAME; or of Fraunhofer.
_INFO = re.compile(
    rb"\xff[\xe2-\xff]..(?:(?:.{9}|.{17}|.{32})(?:Xing|Info)\0\0\0(.)(....)(....)|.{32}VBRI)",
    re.DOTALL,
)
_TAG = re.compile(
    rb"\0+|ID3[\2-\4].{6}|APETAGEX.{24}|TAG\+.{223}|TAG.{125}|"
    rb"LYRICSBEGIN.{,9999}?(?:LYRICS200|LYRICSEND)",
    re.DOTALL,
)
_NO_FRAME = re.compile(rb"[^\xff]+?(?=\xff|ID3|APETAGEX|TAG|LYRICSBEGIN|\Z)|\xff", re.DOTALL)
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
# Where the first chunk begins, its head, the bytes that its size leaves out, and chunks' alignment.
_CHUNKS = {"caf": (8, ">4sq", 12, 1), "w64": (40, "<16sq", 0, 8)}
_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_WAV_BEGINNING = re.compile(rb"(?:RIFF|RF64|BW64)....WAVEfmt ", re.DOTALL)
_WAV_LAWS, _WAV_PCM, _WAV_EXTENSIBLE = (6, 7), (1, 3, 6, 7), 0xFFFE  # A-law, mu-law; float is 3
# A program that writes to a pipe cannot know the length: ffmpeg writes 2^32 - 1, sox 2^31 - 4096.
_LENGTH_UNKNOWN, _LONGEST = 0x7FFFF000, 0xFFFFFFFF

_Parts = tuple[list[bytes], str]  # files, and a remark or ""


def split(data: bytes, demuxer: str) -> _Parts:
    """Splits the content of a file into the files that are joined in it, mostly one.

    Returns them in a form that FFmpeg reads in full, and a remark on what was left out, or "".

    Raises:
        InputError: Something of it is missing or damaged.
    """
    if demuxer in _SPLITTERS:
        return _SPLITTERS[demuxer](data)
    pattern = re.compile(_BEGINNINGS[demuxer], re.DOTALL)
    files = _cut(data, [found.start() for found in pattern.finditer(data, 1)])
    if demuxer == "nistsphere":
        files = [_plain_sphere(file) for file in files]
    for file in files:
        if demuxer == "asf":
            _check_asf(file)
        elif demuxer in _CHUNKS:
            _check_chunks(file, demuxer)
    return files, ""


def tags_end(data: bytes, start: int = 0) -> int:
    """Tells where the tags (ID3, APE, Lyrics3) and zeros end that begin here, if any do."""
    while found := _TAG.match(data, start):
        tag, start = found[0], found.end()
        if tag.startswith(b"ID3"):
            start += tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]  # 7 bits of each byte
            start += 10 if tag[5] & 0x10 else 0
        elif tag.startswith(b"APETAGEX") and tag[23] & 0x20:  # the header; a footer ends the tag
            start += int.from_bytes(tag[12:16], "little")
    return start


def find_frames(data: bytes) -> str:
    """Tells whether MP3 or AAC begins so, or was cut out of a stream: FFmpeg's demuxer, or ""."""
    for found in re.finditer(rb"\xff[\xe0-\xff]", data):
        start = at = found.start()
        kind, num_frames = _frame(data, at)[0], 0
        while kind and num_frames < _SURE and _frame(data, at)[0] == kind:
            at, num_frames = at + (_frame(data, at)[1] or len(data)), num_frames + 1
        is_flac = data[1] == 0xF8  # its frames, without its beginning
        if num_frames == _SURE or num_frames and not start and not is_flac:
            return "aac" if kind[0] & 0xF6 == 0xF0 else "mp3"
    return ""


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *places, len(data)]
    return [data[i:j] for i, j in zip(edges, edges[1:], strict=False)] if places else [data]


def _frame(data: bytes, start: int) -> tuple[bytes, int]:
    """What all frames of a stream share, and the bytes of the MP3 or AAC frame here, or 0."""
    head = data[start : start + 6]
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return b"", 0
    if head[1] & 0xF6 == 0xF0 and len(head) == 6:  # AAC in ADTS
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return bytes([head[1], head[2] & 0x3C]), length if length > 7 else 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if head[1] & 6 != 2 or version == 1 or bitrate == 15 or rate == 3:
        return b"", 0
    rate_hz = _MPEG_RATES_HZ[rate] >> (0, 1, 2)[(3, 2, 0).index(version)]
    length = (144 if version == 3 else 72) * 1000 * _KBPS[version != 3][bitrate] // rate_hz
    return bytes([head[1] | 1, head[2] & 0x0C]), length and length + (head[2] >> 1 & 1)


def _mpeg(data: bytes) -> _Parts:
    """Takes the whole frames of an MP3 or AAC, of which an Info frame begins another file."""
    infos = {found.start() for found in _INFO.finditer(data)}
    files: list[list[bytes]] = []
    at, num_lost, kind_before, in_row = 0, 0, b"", False
    while at < len(data):
        kind, length = _frame(data, at)
        end = at + length
        sure = in_row and kind == kind_before or end == len(data) or _frame(data, end)[0] == kind
        if length and end <= len(data) and sure:
            if kind != kind_before or at in infos:
                files.append([])
            files[-1].append(data[at:end])
            kind_before, in_row = kind, True
        elif (end := tags_end(data, at)) > at:
            info = _INFO.match(files[-1][0]) if files else None
            announced = info and info[2] and int.from_bytes(info[2], "big")
            if announced and announced < len(files[-1]) and b"ID3" in data[at:end]:
                kind_before = b""  # what follows is another file
        else:
            found = _NO_FRAME.match(data, at)
            end, in_row = found.end() if found else len(data), False
            num_lost += end - at
        at = end
    if not files:
        raise InputError("no whole frame of MP3 or AAC: truncated, damaged or of free format")
    for frames in files:
        if (info := _INFO.match(frames[0])) and info[1]:
            _check_info(info, frames)
    remark = f"{num_lost} bytes that are of no whole frame, left out" if num_lost else ""
    return [b"".join(frames) for frames in files], remark


def _check_info(info: re.Match[bytes], frames: list[bytes]) -> None:
    """Compares the frames of an MP3 with their number as its first one tells it."""
    flags, num_frames, num_bytes = info[1][0], *(int.from_bytes(info[i], "big") for i in (2, 3))
    missing = num_frames - (len(frames) - 1) if flags & 1 else 0
    # Some count the first frame as well.
    if missing > 1 or missing == 1 and flags & 2 and num_bytes > sum(map(len, frames)):
        there = f"{len(frames) - 1} of {num_frames} frames are there"
        raise InputError(f"a truncated MP3, or a piece of one: {there}")
    if missing < 0:  # an end to cut off that is not the end
        del frames[0]


def _ogg(data: bytes) -> _Parts:
    """Takes the pages of an Ogg; one that begins a stream behind others begins another file."""
    files: list[list[bytes]] = []
    at, num_lost, begins = 0, 0, False
    while at < len(data):
        if not data.startswith(b"OggS", at):
            end, following = tags_end(data, at), data.find(b"OggS", at)
            if end == at:
                end = following if following > 0 else len(data)
                num_lost += end - at
            at = end
            continue
        head_len = 27 + (data[at + 26] if len(data) > at + 26 else 0)
        end = at + head_len + sum(data[at + 27 : at + head_len])
        if end > len(data) or at + head_len > len(data):
            raise InputError("a truncated OGG: its last page is not whole")
        page = data[at:end]
        if not _checksum_is_right(page):
            raise InputError(f"a damaged OGG: the page at byte {at} is not what was written")
        if page[5] & 2 and not begins:
            files.append([])
        elif not files:
            raise InputError("a piece of an OGG: the headers at its beginning are missing")
        files[-1].append(page)
        at, begins = end, bool(page[5] & 2)
    remarks = [f"{num_lost} bytes that are of no page, left out"] if num_lost else []
    if not all(pages[-1][5] & 4 for pages in files):
        remarks.append("the end of its stream is missing: a piece, or still being written")
    return [b"".join(pages) for pages in files], "; ".join(remarks)


def _checksum_is_right(page: bytes) -> bool:
    """Compares the checksum of an Ogg page: that of a zip, but for the order of bits."""
    content = (page[:22] + bytes(4) + page[26:]).translate(_BITS_REVERSED)
    found = zlib.crc32(content, _LONGEST) ^ _LONGEST
    return found == int.from_bytes(page[22:26].translate(_BITS_REVERSED), "big")


def _mp4(data: bytes) -> _Parts:
    """Follows the boxes of an MP4 to the end; a second "ftyp" begins another file."""
    places, at, names = [], 0, set[bytes]()
    while tags_end(data, at) + 8 <= len(data) and data[at + 4 : at + 8].isalnum():
        size, name = struct.unpack_from(">I4s", data, at)
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        size = size or len(data) - at  # to the end
        if size < 8 or at + size > len(data):
            left = f"{size} bytes announced in {name!r}, {len(data) - at} there"
            raise InputError(f"a truncated or damaged MP4: {left}")
        places += [at] if name == b"ftyp" and at else []
        names.add(name)
        at += size
    if b"moov" not in names:
        raise InputError("an MP4 without its table of contents (moov): truncated or damaged")
    lost = len(data) - tags_end(data, at)
    return _cut(data, places), f"{lost} bytes after its last box, left out" if lost > 0 else ""


def _matroska(data: bytes) -> _Parts:
    """Follows the elements of Matroska or WebM to the end; a second header begins another file."""
    places, at = [], 0
    while tags_end(data, at) < len(data):
        start = at
        name, at = _ebml_number(data, at)
        marked, end = _ebml_number(data, at)
        bits = 7 * (end - at)
        size, at = marked - (1 << bits), end
        places += [start] if name == _EBML and start else []
        is_open = size == (1 << bits) - 1  # written live
        if is_open and name not in (_SEGMENT, _CLUSTER):
            raise InputError("a damaged Matroska: an element without a length")
        if not is_open and at + size > len(data):
            left = f"{size} bytes announced in an element, {len(data) - at} there"
            raise InputError(f"a truncated Matroska: {left}")
        at += 0 if name == _SEGMENT or is_open else size
    return _cut(data, places), ""


def _ebml_number(data: bytes, at: int) -> tuple[int, int]:
    """Reads a number with the mark before it that tells its length, and where it ends."""
    end = at + 9 - (data[at].bit_length() if at < len(data) else 0)
    if end > min(at + 8, len(data)):
        raise InputError(f"a truncated or damaged Matroska: no element at byte {at}")
    return int.from_bytes(data[at:end], "big"), end


def _check_asf(data: bytes) -> None:
    """Compares the size of an ASF (WMA) with the one in its header, unless it is a broadcast."""
    at = data.find(_ASF_FILE)
    if at < 0 or len(data) < at + 92:
        raise InputError("an ASF without a header of its file: truncated or damaged")
    size, flags = struct.unpack_from("<Q40xI", data, at + 40)
    if not flags & 1 and size > len(data):
        raise InputError(f"a truncated ASF: {size} bytes announced, {len(data)} there")


def _check_chunks(data: bytes, demuxer: str) -> None:
    """Follows the chunks of a CAF or W64: FFmpeg takes what is there for all that was written."""
    at, form, size_without, step = _CHUNKS[demuxer]
    while at + struct.calcsize(form) <= len(data):
        _, size = struct.unpack_from(form, data, at)
        end = at + size_without + size
        if end <= at or not 0 <= size < 2**62:  # of unknown length, to the end
            return
        if end > len(data):
            left = f"{size} bytes announced in a chunk, {len(data) - at - size_without} there"
            raise InputError(f"a truncated {demuxer.upper()}: {left}")
        at = end + -end % step


def _wav(data: bytes) -> _Parts:
    """Makes WAVs of nothing but format and samples, once it is sure that these are all there."""
    files, at = [], 0
    while data.startswith(b"WAVE", at + 8):
        file, at = _plain_wav(data, at)
        files.append(file)
    lost = len(data) - tags_end(data, at)
    return files, f"{lost} bytes after its last chunk, left out" if lost > 0 else ""


def _plain_wav(data: bytes, start: int) -> tuple[bytes, int]:
    """Makes the WAV that begins here plain, and tells where it ends."""
    chunks, at, is_open = dict[bytes, bytes](), start + 12, False
    (riff_size,) = struct.unpack_from("<I", data, start + 4)
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        left = len(data) - at - 8
        is_other = size > left or not name.strip(b"\0") or data.startswith(b"WAVE", at + 8)
        if b"data" in chunks and is_other:
            break
        at += 8
        holds = at - start - 8 < riff_size < _LENGTH_UNKNOWN  # more than its header
        if name == b"data" and name in chunks:
            raise InputError("a WAV with two chunks of sound; one is wanted")
        if name == b"data" and (size > left and size >= _LENGTH_UNKNOWN or not size and not holds):
            size = int.from_bytes(chunks.get(b"ds64", b"")[8:16], "little")  # of RF64
            if is_open := not 0 < size < 2**63 - 1:
                following = _WAV_BEGINNING.search(data, at)
                size = (following.start() if following else len(data)) - at
        if size > left:
            raise InputError(f"a truncated WAV: {size} bytes announced in {name!r}, {left} there")
        chunks[name] = data[at : at + size]
        at = min(at + size + (0 if is_open else size % 2), len(data))
    fmt, body = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(fmt) < 16 or b"data" not in chunks:
        raise InputError("a WAV without a format and data chunk (truncated or damaged)")
    codec, channels, rate_hz, byte_rate, frame_len, bits = struct.unpack_from("<HHIIHH", fmt)
    if codec == _WAV_EXTENSIBLE and len(fmt) >= 26:
        (codec,) = struct.unpack_from("<H", fmt, 24)
    is_pcm, bytes_each = codec in _WAV_PCM, frame_len // max(channels, 1)
    if is_open and frame_len:
        body = body[: len(body) // frame_len * frame_len]
    sound = channels > 0 and frame_len > 0
    if sound and is_pcm:
        sound = 0 < bits <= 8 * bytes_each and (bits == 8 or codec not in _WAV_LAWS)
        sound = sound and frame_len % channels == 0 and len(body) % frame_len == 0
    if not sound:
        raise InputError(
            f"damaged WAV: {len(body)} bytes in frames of {frame_len} bytes, each of {channels} "
            f"channels of {bits} bits"
        )
    if is_pcm:  # samples that do not fill their bytes (12, 20 bits) are the uppermost bits there
        bits = 8 * bytes_each
        fmt = struct.pack("<HHIIHH", codec, channels, rate_hz, byte_rate, frame_len, bits)
    head = b"RIFF" + struct.pack("<I", _LONGEST) + b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    return b"".join([head, b"data", struct.pack("<I", min(len(body), _LONGEST)), body]), at


def _plain_sphere(data: bytes) -> bytes:
    """Makes a SPHERE file that names its channels, and the order of bytes as if they were two."""
    header_len = int(data[8:16]) if data[8:16].strip().isdigit() else 0
    header, end, _ = data[16:header_len].partition(b"end_head")
    if not end or len(data) < header_len:
        raise InputError("a SPHERE file with a truncated or damaged header")
    if b"channel_count" not in header:
        header += b"channel_count -i 1\n"
    order = rb"(sample_byte_format -s)\d+ "
    header = re.sub(order + rb"0(12?3?)?\s", rb"\g<1>2 01\n", header)
    header = re.sub(order + rb"3?2?10\s", rb"\g<1>2 10\n", header)
    header += b"end_head\n\n"
    return b"NIST_1A\n%7d\n" % (16 + len(header)) + header + data[header_len:]


_SPLITTERS: dict[str, Callable[[bytes], _Parts]] = {
    "aac": _mpeg, "matroska": _matroska, "mov": _mp4, "mp3": _mpeg, "ogg": _ogg, "wav": _wav,
}  # fmt: skip
