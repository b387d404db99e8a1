"""Files that are joined, cut out of a stream, tagged, or of a length that their header hides."""

import functools
import io
import pathlib
import struct

import av
import numpy as np
import pytest
from torture import aiff, chunk, sphere, wav, wav_format

from wavegan_tf.data import audio
from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError

REFERENCE = pathlib.Path(__file__).parent / "reference" / "audio"
RATE_HZ, NUM_SAMPLES = 16000, 8000
ENCODERS = {  # FFmpeg's muxer and encoder, kbit/s
    "mp3": ("mp3", "libmp3lame", 32),
    "aac": ("adts", "aac", 32),
    "m4a": ("mp4", "aac", 32),
    "wma": ("asf", "wmav2", 32),
    "opus": ("ogg", "libopus", 24),
    "flac": ("flac", "flac", None),
    "oga": ("ogg", "flac", None),
    "webm": ("webm", "libopus", 24),
    "amr": ("amr", "libopencore_amrnb", 12.2),
}
ID3 = b"ID3\3\0\0\0\0\1\2" + b"TIT2" + bytes(126)
ID3V1 = b"TAG" + b"title".ljust(125, b"\0")
_APE_ITEM = struct.pack("<II", 5, 0) + b"Title\0hello"
_APE = struct.pack("<IIII8x", 2000, len(_APE_ITEM) + 32, 1, 0xA0000000)
APE = b"APETAGEX" + _APE + _APE_ITEM + b"APETAGEX" + _APE.replace(b"\xa0", b"\x80")
LYRICS = b"LYRICSBEGININD0000210LYR00005hello000034LYRICS200"


@functools.cache
def encoded(kind, f0_hz=200, seconds=0.5, rate_hz=RATE_HZ, channels=1, **options):
    """The content of a file of one kind: a tone in noise."""
    muxer, codec, kbps = ENCODERS[kind]
    rate_hz = 8000 if kind == "amr" else rate_hz
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng(f0_hz).normal(0, 0.01, len(time_s))
    pcm = np.int16(9000 * (np.sin(2 * np.pi * f0_hz * time_s) + noise))
    file, layout = io.BytesIO(), ("mono", "stereo")[channels - 1]
    with av.open(file, "w", format=muxer, options=options) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        if kbps:
            stream.bit_rate = int(1000 * kbps)
        frame = av.AudioFrame.from_ndarray(np.repeat(pcm, channels)[None], "s16", layout)
        frame.rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            if packet.size:
                container.mux(packet)
    return file.getvalue()


def bare_mp3(**options):
    """An MP3 without an Info frame."""
    return encoded("mp3", write_xing="0", id3v2_version="0", **options)


def read(folder, content):
    path = folder / "clip"
    path.write_bytes(content)
    return audio.read_audio(path)


def refused(folder, content, words):
    with pytest.raises(InputError, match=words):
        read(folder, content)


def pages_of(ogg):
    """The pages of an Ogg, by their segment tables."""
    pages, at = [], 0
    while at < len(ogg):
        table = ogg[at + 27 : at + 27 + ogg[at + 26]]
        pages.append(ogg[at : at + 27 + len(table) + sum(table)])
        at += len(pages[-1])
    return pages


def pcm_file(kind, values):
    little, big = values.astype("<i2").tobytes(), values.astype(">i2").tobytes()
    header = struct.pack(">4sIIIII", b".snd", 24, len(big), 3, RATE_HZ, 1)
    return {
        "wav": wav(wav_format(), little),
        "piped wav": wav(wav_format(), little, data_size=0xFFFFFFFF),
        "aiff": aiff(big),
        "sphere": sphere(little),
        "au": header + big,
    }[kind]


@pytest.mark.parametrize("kind", ["wav", "piped wav", "aiff", "sphere", "au"])
def test_joined_files_of_integers_are_read_to_the_last_sample(tmp_path, kind):
    values = np.random.default_rng(0).integers(-(2**15), 2**15, 500)
    content = pcm_file(kind, values[:300]) + pcm_file(kind, values[300:])
    np.testing.assert_array_equal(read(tmp_path, content).samples[:, 0] * 2**15, values)


@pytest.mark.parametrize("kind", ["mp3", "m4a", "wma", "opus", "flac", "oga", "webm", "amr"])
def test_joined_files_are_one_after_the_other_what_each_is_alone(tmp_path, kind):
    contents = [encoded(kind, f0_hz, seconds) for f0_hz, seconds in ((200, 0.5), (300, 0.3))]
    expected = [read(tmp_path, content).samples for content in contents * 2]
    found = read(tmp_path, b"".join(contents * 2))
    np.testing.assert_array_equal(found.samples, np.concatenate(expected))
    assert found.remark == ""


@pytest.mark.parametrize("kind", ["mp3", "flac", "oga"])
def test_joined_files_have_no_more_samples_than_were_encoded(tmp_path, kind):
    content = encoded(kind) + encoded(kind, 300, 0.3)
    assert len(read(tmp_path, content).samples) == NUM_SAMPLES + 0.3 * RATE_HZ


def test_a_joined_ogg_vorbis_has_all_samples_of_each(tmp_path):
    one = (REFERENCE / "tone.ogg").read_bytes()
    short = (REFERENCE / "short.ogg").read_bytes()  # of one page, 1500 samples
    assert len(read(tmp_path, short).samples) == 1500
    assert len(read(tmp_path, one + one).samples) == 2 * 4410


@pytest.mark.parametrize("other", [{"rate_hz": 48000}, {"channels": 2}])
@pytest.mark.parametrize("kind", ["mp3", "aac", "flac", "oga", "m4a"])
def test_joined_files_of_other_channels_or_rate_are_refused_with_both(tmp_path, kind, other):
    content = encoded(kind) + encoded(kind, **other)
    refused(tmp_path, content, r"change midway: 1 at \d+ Hz, then \d at \d+ Hz; cut it there")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ID3 + ID3, b""),
        (ID3 + bytes(3000) + ID3, b""),
        (bytes(3000), b""),
        (b"", ID3V1),
        (b"", APE),
        (b"", APE + ID3V1),
        (b"", LYRICS + ID3V1),
        (b"", bytes(20000)),
        (b"", bytes(3000) + ID3V1),
        (b"", ID3),
        (ID3, APE + LYRICS + ID3V1 + bytes(7)),
    ],
)
def test_tags_and_zeros_around_the_frames_of_an_mp3_change_nothing(tmp_path, before, after):
    content = encoded("mp3", id3v2_version="0")
    found = read(tmp_path, before + content + after)
    np.testing.assert_array_equal(found.samples, read(tmp_path, content).samples)
    assert len(found.samples) == NUM_SAMPLES and found.remark == ""
    joined = read(tmp_path, 2 * (before + content + after))
    assert len(joined.samples) == 2 * NUM_SAMPLES and joined.remark == ""


@pytest.mark.parametrize("kind", ["m4a", "opus", "flac", "oga", "webm", "wma", "aac"])
@pytest.mark.parametrize("after", [ID3V1, bytes(3000)])
def test_a_tag_or_zeros_after_other_formats_change_nothing(tmp_path, kind, after):
    found = read(tmp_path, encoded(kind) + after)
    np.testing.assert_array_equal(found.samples, read(tmp_path, encoded(kind)).samples)
    assert found.remark == ""


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])  # MPEG-2.5, MPEG-2, MPEG-1
def test_an_mp3_cut_out_of_a_stream_has_all_its_whole_frames(tmp_path, rate_hz):
    stream = bare_mp3(rate_hz=rate_hz)
    whole = read(tmp_path, stream).samples
    frame_len = 1152 if rate_hz == 44100 else 576
    bytes_each = len(stream) * frame_len // len(whole)
    found = read(tmp_path, stream[bytes_each * 5 // 2 : -bytes_each // 2])
    assert len(found.samples) == len(whole) - 4 * frame_len
    np.testing.assert_array_equal(
        found.samples[3 * frame_len :], whole[6 * frame_len :][:-frame_len]
    )
    assert "bytes that are of no whole frame, left out" in found.remark


def test_an_aac_cut_out_of_a_stream_has_all_its_whole_frames(tmp_path):
    stream = encoded("aac")
    whole = read(tmp_path, stream).samples
    first_len = (stream[3] & 3) << 11 | stream[4] << 3 | stream[5] >> 5
    found = read(tmp_path, stream[first_len - 9 : -9])
    assert len(found.samples) == len(whole) - 2 * 1024
    assert "bytes that are of no whole frame, left out" in found.remark


def test_what_is_no_sound_among_the_frames_of_an_mp3_is_counted(tmp_path):
    stream = bare_mp3()
    whole = read(tmp_path, stream)
    frame_len = len(stream) * 576 // len(whole.samples)
    content = stream[: 4 * frame_len] + 50 * b"\1junk!" + stream[4 * frame_len :]
    found = read(tmp_path, content)
    np.testing.assert_array_equal(found.samples, whole.samples)
    assert found.remark.startswith("300 bytes")


def test_an_mp3_that_announces_more_frames_is_refused_and_fewer_are_all_read(tmp_path):
    content = encoded("mp3", id3v2_version="0")
    place = content.find(b"Info") + 8
    (announced,) = struct.unpack_from(">I", content, place)
    more, fewer = (
        content[:place] + struct.pack(">I", number) + content[place + 4 :]
        for number in (2 * announced, announced // 2)
    )
    refused(tmp_path, more, f"truncated MP3, or a piece of one: {announced} of {2 * announced}")
    assert len(read(tmp_path, fewer).samples) == 576 * announced
    bare = bare_mp3()
    both = read(tmp_path, content + bare)
    assert len(both.samples) == 576 * announced + len(read(tmp_path, bare).samples)


def test_an_info_frame_counts_past_a_tag_among_the_frames(tmp_path):
    content = encoded("mp3", id3v2_version="0")
    middle = len(content) - 6 * 144  # frames of 32 kbit/s
    expected = read(tmp_path, content).samples
    np.testing.assert_array_equal(
        read(tmp_path, content[:middle] + ID3 + content[middle:]).samples, expected
    )
    bare = bare_mp3(f0_hz=300)
    found = read(tmp_path, content + ID3 + bare)
    np.testing.assert_array_equal(
        found.samples, np.concatenate([expected, read(tmp_path, bare).samples])
    )


def test_an_mp3_of_free_format_is_refused_with_that(tmp_path):
    refused(tmp_path, 20 * (b"\xff\xfb\x00\xc0" + bytes(300)), "free format")


def test_flac_of_unknown_or_too_small_length_is_read_to_its_end_and_a_hole_refused(tmp_path):
    content = encoded("flac", seconds=2)
    expected = read(tmp_path, content).samples
    for announced in (0, 100):
        other = content[:22] + struct.pack(">I", announced) + content[26:]
        np.testing.assert_array_equal(read(tmp_path, other).samples, expected)
    with av.open(io.BytesIO(content)) as container:
        places = [packet.pos for packet in container.demux(audio=0) if packet.size]
    unknown = content[:22] + bytes(4) + content[26 : places[2]]
    refused(tmp_path, unknown + content[places[3] :], r"damaged FLAC: 0\.\d+ s within it")
    piece = content[: places[0]] + content[places[2] : places[5]]
    refused(tmp_path, piece, f"damaged FLAC: {3 * 1152} of 32000 samples")


@pytest.mark.parametrize("kind", ["opus", "oga"])
def test_an_ogg_with_a_page_lost_or_damaged_is_refused_and_one_without_end_noted(tmp_path, kind):
    pages = pages_of(encoded(kind, seconds=2, page_duration="200000"))
    whole = b"".join(pages)
    for number, _ in enumerate(pages):
        damaged = bytearray(whole)
        damaged[sum(map(len, pages[: number + 1])) - 1] ^= 1
        refused(tmp_path, damaged, "a damaged OGG: the page at byte")
    refused(tmp_path, b"".join(pages[:4] + pages[5:]), "damaged OGG: 0.[12]")
    refused(tmp_path, b"".join(pages[3:]), "the headers at its beginning are missing")
    piece, rest = read(tmp_path, b"".join(pages[:5])), read(tmp_path, whole)
    assert "the end of its stream is missing" in piece.remark and rest.remark == ""
    np.testing.assert_array_equal(piece.samples, rest.samples[: len(piece.samples)])
    assert 0.3 < len(piece.samples) / piece.rate_hz < 0.7
    junk = read(tmp_path, b"".join(pages[:4]) + b"junk" + b"".join(pages[4:]))
    np.testing.assert_array_equal(junk.samples, rest.samples)
    assert junk.remark == "4 bytes that are of no page, left out"


def test_an_ogg_cut_out_of_a_stream_is_read_from_its_first_page_on(tmp_path):
    pages = pages_of(encoded("opus", seconds=2, page_duration="200000"))
    whole, cut = read(tmp_path, b"".join(pages)), read(tmp_path, b"".join(pages[:2] + pages[5:]))
    lost = len(whole.samples) - len(cut.samples)
    assert lost == pytest.approx(3 * 0.2 * 48000, abs=960)
    settled = 4800  # the decoder's memory of what is missing
    expected = whole.samples[lost + settled :]
    np.testing.assert_allclose(cut.samples[settled:], expected, atol=1e-3)


@pytest.mark.parametrize("live", ["0", "1"])
def test_a_truncated_webm_is_refused(tmp_path, live):
    content = encoded("webm", seconds=2, live=live)
    assert len(read(tmp_path, content).samples) == pytest.approx(96000, abs=1)
    for kept in (0.5, 0.7, 0.9):
        refused(tmp_path, content[: int(kept * len(content))], "a truncated Matroska: ")


def test_a_truncated_m4a_is_refused_also_one_in_fragments(tmp_path):
    for options in ({}, {"movflags": "frag_keyframe+empty_moov"}):
        content = encoded("m4a", seconds=2, **options)
        assert len(read(tmp_path, content).samples) == pytest.approx(32000, abs=2048)
        for kept in (0.5, 0.7, 0.9):
            refused(tmp_path, content[: int(kept * len(content))], "truncated")


def test_an_m4a_trimmed_by_its_edit_list_is_the_part_that_it_names(tmp_path):
    content = bytearray(encoded("m4a", seconds=2))
    whole = read(tmp_path, content).samples
    place = content.find(b"elst") + 12
    _, begin = struct.unpack_from(">Ii", content, place)
    struct.pack_into(">Ii", content, place, 1000, begin + 4800)  # ms; samples
    found = read(tmp_path, content).samples
    assert len(found) == pytest.approx(16000, abs=2048)
    np.testing.assert_allclose(found[2048:], whole[4800 + 2048 :][: len(found) - 2048], atol=1e-4)


def test_a_truncated_wma_is_refused(tmp_path):
    content = encoded("wma")
    (packet_len,) = struct.unpack_from("<I", content, content.find(bytes.fromhex("a1dcab8c")) + 92)
    refused(tmp_path, content[:-packet_len], "a truncated ASF")


VALUES = np.random.default_rng(0).integers(-(2**15), 2**15, 400)
BODY = VALUES.astype("<i2").tobytes()
LIST = chunk(b"LIST", b"INFOICMT\4\0\0\0abcd")


def rf64(data_len, after=b""):
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, data_len, 0, 0))
    data = b"data\xff\xff\xff\xff" + BODY + after
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunk(b"fmt ", wav_format()) + data


@pytest.mark.parametrize(
    "content",
    [
        rf64(len(BODY), LIST),
        rf64(len(BODY)).replace(b"RF64", b"BW64"),
        rf64(0),
        b"RIFF\0\0\0\0" + wav(wav_format(), BODY, data_size=0)[8:],
        b"RIFF\x24\0\0\0" + wav(wav_format(), BODY, data_size=0)[8:],
        wav(wav_format(), BODY, data_size=0xFFFFFFFF) + b"\1",  # stopped within a sample
        wav(wav_format(), BODY) + LIST + bytes(100) + ID3V1,
    ],
)
def test_a_wav_is_as_long_as_its_samples_whatever_its_header_says(tmp_path, content):
    found = read(tmp_path, content)
    np.testing.assert_array_equal(found.samples[:, 0] * 2**15, VALUES)
    assert found.remark == ""


def test_sound_that_a_wav_does_not_announce_is_refused_or_counted(tmp_path):
    found = read(tmp_path, wav(wav_format(), BODY, data_size=600))
    assert len(found.samples) == 300 and found.remark == "200 bytes after its last chunk, left out"
    refused(tmp_path, wav(wav_format(), BODY) + chunk(b"data", BODY), "two chunks of sound")
    refused(tmp_path, rf64(len(BODY) + 2), "truncated WAV: 802 bytes announced in b'data', 800")
    refused(tmp_path, wav(wav_format(), b"", LIST), "no samples")
    empty = struct.pack("<I", 36 + len(LIST)) + wav(wav_format(), b"")[8:] + LIST
    refused(tmp_path, b"RIFF" + empty, "no samples")


def test_a_truncated_caf_or_w64_is_refused(tmp_path):
    tail = struct.pack(">I", 0) + VALUES.astype(">i2").tobytes()  # after the number of edits
    form = struct.pack(">d4s5I", RATE_HZ, b"lpcm", 0, 2, 1, 1, 16)
    caf = b"caff\0\1\0\0desc" + struct.pack(">q", len(form)) + form
    open_ended = caf + b"data" + struct.pack(">q", -1) + tail
    caf += b"data" + struct.pack(">q", len(tail)) + tail
    ending = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    w64 = b"wave" + ending + b"fmt " + ending + struct.pack("<Q", 40) + wav_format()
    w64 += b"data" + ending + struct.pack("<Q", 24 + len(BODY)) + BODY
    riff = bytes.fromhex("726966662e91cf11a5d628db04c10000")
    w64 = riff + struct.pack("<Q", 24 + len(w64)) + w64
    for content in (caf, open_ended, w64):
        found = read(tmp_path, content)
        np.testing.assert_array_equal(found.samples[:, 0] * 2**15, VALUES)
    refused(tmp_path, caf[:-100], "a truncated CAF: 804 bytes announced in a chunk, 704 there")
    refused(tmp_path, w64[:-100], "a truncated W64: 824 bytes announced in a chunk, 724 there")


def test_samples_beyond_the_announced_length_are_counted(tmp_path):
    for content in (aiff(BODY, num_frames=300), sphere(BODY, sample_count=300)):
        found = read(tmp_path, content)
        assert len(found.samples) == 300
        assert found.remark == "100 samples after the 300 announced, left out"


def test_the_report_and_data_json_tell_what_was_left_out_and_the_samples_of_each(tmp_path):
    bare = bare_mp3()
    contents = {"a.flac": encoded("flac"), "b.flac": 3 * encoded("flac", 250), "c.mp3": bare[:-30]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    report = preflight(str(tmp_path), ClipStore(SliceConfig(slice_len=2000)))
    found = report.to_dict()
    num_frames = len(bare) // (len(bare) // round(len(read(tmp_path, bare).samples) / 576)) - 1
    assert found["samples"] == {"a.flac": 8000, "b.flac": 24000, "c.mp3": 576 * num_frames}
    assert set(found["remarks"]) == {"c.mp3"}
    line = f"c.mp3: {found['remarks']['c.mp3']}"
    assert "of no whole frame" in line and line in "\n".join(report.lines())
