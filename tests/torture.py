"""A folder of bad and odd files: what a lab's disk holds after ten years.

Everything is written by hand, byte by byte, never by the package under test.
"""

import os
import pathlib
import struct

import numpy as np

RATE_HZ = 16000
NUM_SAMPLES = 4000  # of most files, before resampling; of the tones in reference/ 4410 at 22050 Hz
_TONES = pathlib.Path(__file__).parent / "reference" / "audio"


def vowel(num_samples, f0_hz=120, rate_hz=RATE_HZ):
    """float64 [time], within -0.5 .. 0.5."""
    time_s = np.arange(num_samples) / rate_hz
    sound = sum(np.sin(2 * np.pi * f0_hz * k * time_s) / k for k in range(1, 9))
    return 0.5 * sound / np.abs(sound).max()


def chunk(name, content, order="<"):
    return struct.pack(f"{order}4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def wav_format(codec=1, channels=1, rate_hz=RATE_HZ, bits=16):
    block_len = channels * bits // 8
    return struct.pack("<HHIIHH", codec, channels, rate_hz, rate_hz * block_len, block_len, bits)


def wav(fmt, body, before=b"", data_size=None):
    """A WAV; `data_size` is what the header announces, if not the truth."""
    data = chunk(b"data", body)
    if data_size is not None:
        data = struct.pack("<4sI", b"data", data_size) + body
    content = b"WAVE" + chunk(b"fmt ", fmt) + before + data
    return struct.pack("<4sI", b"RIFF", len(content)) + content


def sphere(body, header_len=1024, **fields):
    """A NIST SPHERE file, 16-bit little-endian mono but for the fields; without those of None."""
    fields = {
        "channel_count": 1, "sample_count": len(body) // 2, "sample_rate": RATE_HZ,
        "sample_n_bytes": 2, "sample_byte_format": "01", "sample_coding": "pcm",
    } | fields  # fmt: skip
    lines = [f"NIST_1A\n{header_len:>7}\n"]
    for name, value in fields.items():
        if value is not None:
            kind = "i" if isinstance(value, int) else f"s{len(value)}"
            lines.append(f"{name} -{kind} {value}\n")
    return ("".join(lines) + "end_head\n").encode().ljust(header_len) + body


def aiff(body, channels=1, bits=16, rate_hz=RATE_HZ, compression=None, num_frames=None):
    """An AIFF, or with a compression type an AIFF-C."""
    if num_frames is None:
        num_frames = len(body) * 8 // (channels * bits)
    exponent = rate_hz.bit_length() - 1
    common = struct.pack(">hIhHQ", channels, num_frames, bits, 16383 + exponent,
                         rate_hz << (63 - exponent))  # fmt: skip
    kind = b"AIFF"
    if compression is not None:
        kind, common = b"AIFC", common + compression + b"\0\0"
    content = kind + chunk(b"COMM", common, ">") + chunk(b"SSND", bytes(8) + body, ">")
    return b"FORM" + struct.pack(">I", len(content)) + content


def good_files():
    """Name -> content of odd files that can be used; no two have the same content."""
    sounds = iter([vowel(NUM_SAMPLES, f0_hz) for f0_hz in range(80, 300, 10)])
    extensible = wav_format(codec=0xFFFE) + struct.pack("<HHIH14x", 22, 16, 4, 1)
    six = np.stack([next(sounds)] * 6, axis=1)
    mu_law = np.random.default_rng(0).integers(0, 256, NUM_SAMPLES, np.uint8)
    return {
        "8bit.wav": wav(wav_format(bits=8), (128 + 127 * next(sounds)).astype(np.uint8).tobytes()),
        "24bit.wav": wav(wav_format(bits=24), _pcm24(next(sounds))),
        "float64.wav": wav(wav_format(3, bits=64), next(sounds).tobytes()),
        "8khz.wav": wav(wav_format(rate_hz=8000), _pcm16(next(sounds))),
        "96khz.wav": wav(wav_format(rate_hz=96000), _pcm16(np.repeat(next(sounds), 6))),
        "six channels.wav": wav(wav_format(channels=6), _pcm16(six)),
        "extensible.wav": wav(extensible, _pcm16(next(sounds))),
        "mulaw.wav": wav(wav_format(7, bits=8), mu_law.tobytes()),
        "piped.wav": wav(wav_format(), _pcm16(next(sounds)), data_size=0xFFFFFFFF),
        "timit/SA1.WAV": sphere(_pcm16(next(sounds))),
        "timit/big endian.sph": sphere(_swapped(_pcm16(next(sounds))), sample_byte_format="10"),
        "timit/riff.sph": wav(wav_format(), _pcm16(next(sounds))),
        "16bit.aiff": aiff(_swapped(_pcm16(next(sounds)))),
        "sowt.aifc": aiff(_pcm16(next(sounds)), compression=b"sowt"),
        "directory.wav/inside": wav(wav_format(), _pcm16(next(sounds))),
        "e\u0301\u00e9 \u5b57 with\nnewline.wav": wav(wav_format(), _pcm16(next(sounds))),
        "quiet.wav": wav(wav_format(3, bits=32), (1e-2 * next(sounds)).astype("<f4").tobytes()),
        "really.mp3.wav": (_TONES / "tone_id3.mp3").read_bytes(),
        "tone.flac": (_TONES / "tone_16bit.flac").read_bytes(),
        "tone.ogg": (_TONES / "tone.ogg").read_bytes(),
        "opus.ogg": (_TONES / "tone_opus.ogg").read_bytes(),
        "tone.m4a": (_TONES / "tone.m4a").read_bytes(),
    }


def bad_files():
    """Name -> (content, words of the reason)."""
    sound = _pcm16(vowel(NUM_SAMPLES))
    flac, mp3, ogg = (
        (_TONES / name).read_bytes() for name in ("tone_16bit.flac", "tone_id3.mp3", "tone.ogg")
    )
    not_finite = vowel(NUM_SAMPLES).astype("<f4")
    not_finite[7] = np.nan
    infinite = np.where(np.isnan(not_finite), np.inf, not_finite).astype("<f4")
    return {
        "empty.wav": (b"", "an empty file"),
        "header only.wav": (wav(wav_format(), b"")[:44], "no samples"),
        "half a header.wav": (wav(wav_format(), sound)[:30], "truncated WAV"),
        "truncated.wav": (wav(wav_format(), sound)[:-100], "truncated WAV"),
        "wrong size.wav": (wav(wav_format(), sound, data_size=len(sound) + 2), "truncated WAV"),
        "truncated.flac": (flac[:-900], "damaged"),
        "truncated.mp3": (mp3[:700], "truncated MP3"),
        "truncated.ogg": (ogg[:2000], "last page is not whole"),
        "truncated.sph": (sphere(sound)[:-100], "3950 of 4000 samples"),
        "header only.sph": (sphere(sound)[:500], "damaged header"),
        "shorten.sph": (sphere(sound, sample_coding="pcm,embedded-shorten-v2.00"), "sph2pipe"),
        "truncated.aiff": (aiff(_swapped(sound))[:-100], "3950 of 4000 samples"),
        "ima4.aifc": (aiff(sound, compression=b"ima4"), "damaged (AIFF"),
        "text.wav": (b"it was a dark and stormy night", "not a known audio format"),
        "noise.flac": (bytes(range(7, 256)) * 40, "not a known audio format"),
        "nan.wav": (wav(wav_format(3, bits=32), not_finite.tobytes()), "1 of 4000 samples are NaN"),
        "inf.wav": (wav(wav_format(3, bits=32), infinite.tobytes()), "1 of 4000 samples are NaN"),
        "adpcm.wav": (wav(wav_format(2, bits=4), sound), "in frames of 0 bytes"),
        "12bit.wav": (wav(wav_format(bits=12), sound), "12 bits"),
        "no channels.wav": (wav(wav_format(channels=0), sound), "0 channels"),
        "no rate.wav": (wav(wav_format(rate_hz=0), sound), "damaged (WAV"),
        "odd bytes.wav": (wav(wav_format(channels=2), sound[:-2]), "in frames of 4 bytes"),
        "film.mp4": (b"\0\0\0\x20ftypisom" + bytes(1000), "an MP4 without its table"),
        "riff only.wav": (wav(wav_format(), sound)[:12], "without a format and data chunk"),
        "wide mulaw.wav": (wav(wav_format(7), sound), "1 channels of 16 bits"),
        "over.wav": (wav(wav_format(3, bits=64), np.float64([1e99]).tobytes()), "1 of 1 samples"),
        "header only.flac": (b"fLaC\0\0\0\x22", "damaged (FLAC"),
        "header only.mp3": (b"\xff\xfb\x90\x64", "damaged"),
        "tag only.mp3": (b"ID3\3\0\0\0\0\0\0", "an empty file"),
    }


SILENT = ("silence.wav", "offset.wav", "dither.wav")
TOO_SHORT = "one sample.wav"  # with first slices: silent
DUPLICATE = ("timit/copy of riff.sph", "timit/riff.sph")
NOT_AUDIO = {".txt": 2, ".PHN": 1, "without suffix": 1}
DANGLING = "dangling.wav"
LOCKED = "locked.wav"  # only if rights mean anything to the user, which root's do not


def make(folder):
    """Fills a folder, a Path, with one of each.

    Returns name -> words of its reason, of each file that must be left out and named (TOO_SHORT is
    one of them: its reason is another with --data_first_slice).
    """
    contents = good_files() | {name: content for name, (content, _) in bad_files().items()}
    contents[DUPLICATE[0]] = contents[DUPLICATE[1]]
    offset = np.full(NUM_SAMPLES, 0.25)
    dither = np.random.default_rng(0).integers(-1, 2, NUM_SAMPLES) / 32767
    for name, samples in zip(SILENT, (0 * offset, offset, dither), strict=True):
        contents[name] = wav(wav_format(), _pcm16(samples))
    contents[TOO_SHORT] = wav(wav_format(), _pcm16(np.array([0.5])))
    contents |= {"notes.txt": b"she had", "timit/SA1.txt": b"0 1 she", "timit/SA1.PHN": b"0 1 h#"}
    contents["README"] = b"recordings"
    contents[".hidden.wav"] = b"hidden"
    words = {name: words for name, (_, words) in bad_files().items()}
    words |= {name: "RMS" for name in SILENT} | {TOO_SHORT: "", DANGLING: "No such file"}
    if os.geteuid():
        contents[LOCKED] = contents["8bit.wav"][:-2]
        words[LOCKED] = "Permission denied"
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / DANGLING).symlink_to("absent.wav")
    os.mkfifo(folder / "pipe.wav")
    if os.geteuid():
        (folder / LOCKED).chmod(0)
    return words


def _pcm16(samples):
    return np.rint(32767 * samples).astype("<i2").tobytes()


def _pcm24(samples):
    return b"".join(int(s).to_bytes(3, "little", signed=True) for s in (2**23 - 1) * samples)


def _swapped(pcm16):
    return np.frombuffer(pcm16, "<i2").byteswap().tobytes()
