"""Decoding, channels, resampling and peaks, against files written by scipy or by hand."""

import math
import pathlib
import struct

import numpy as np
import pytest
import scipy.signal
from scipy.io import wavfile
from torture import aiff, chunk, sphere, wav
from torture import wav_format as fmt

from wavegan_tf.data import audio
from wavegan_tf.errors import InputError

REFERENCE = pathlib.Path(__file__).parent / "reference" / "audio"
RATE_HZ = 22050


def tone(freq_hz, rate_hz, num_samples, amplitude=0.5):
    """float32 [time, 1]."""
    time = np.arange(num_samples) / rate_hz
    return (amplitude * np.sin(2 * np.pi * freq_hz * time)).astype(np.float32)[:, None]


def peak_of_spectrum(samples, rate_hz):
    """(frequency in Hz, amplitude) of the strongest sine in the middle of `samples` [time]."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    window = np.hanning(len(middle))
    spectrum = 2 * np.abs(np.fft.rfft(middle * window, 8 * len(middle))) / window.sum()
    return np.argmax(spectrum) * rate_hz / (8 * len(middle)), spectrum.max()


def write(folder, content, name="clip.wav"):
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("dtype", ["u1", "<i2", "<i4", "<f4", "<f8"])
def test_wav_samples_are_those_scipy_wrote_over_their_full_scale(tmp_path, dtype):
    channels = 6
    rng = np.random.default_rng(0)
    if dtype[-2] == "f":
        written = expected = rng.uniform(-1, 1, [100, channels]).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        written = rng.integers(limits.min, limits.max, [100, channels], dtype, endpoint=True)
        expected = (written - (128.0 if dtype == "u1" else 0.0)) / 2.0 ** (limits.bits - 1)
    path = tmp_path / "clip.wav"
    wavfile.write(path, 8000, written)
    samples, rate_hz, *_ = audio.read_audio(path)
    assert samples.dtype == np.float32 and type(rate_hz) is int and rate_hz == 8000
    np.testing.assert_array_equal(samples, expected.astype(np.float32))


BODY = np.int16([1, -2, 3]).tobytes()
EXTENSIBLE = fmt(codec=0xFFFE) + struct.pack("<HHIH", 22, 16, 4, 1)


@pytest.mark.parametrize(
    "content",
    [
        wav(fmt(), BODY, before=chunk(b"LIST", b"odd") + chunk(b"xyz ", b"12")),
        wav(fmt(), BODY) + chunk(b"LIST", b"odd"),
        wav(EXTENSIBLE + bytes.fromhex("000000001000800000aa00389b71"), BODY),
        wav(EXTENSIBLE + bytes(14), BODY),
        wav(fmt(), BODY, data_size=0xFFFFFFFF),  # written to a pipe by ffmpeg
        wav(fmt(), BODY, data_size=0x7FFFF000),  # and by sox
    ],
)
def test_wav_with_other_chunks_an_extended_header_or_unknown_length_is_read(tmp_path, content):
    samples, rate_hz, name, _ = audio.read_audio(write(tmp_path, content))
    np.testing.assert_array_equal(samples[:, 0] * 2**15, [1, -2, 3])
    assert (rate_hz, name) == (16000, "WAV 16-bit")


@pytest.mark.parametrize(("bits", "size"), [(12, 2), (20, 3), (24, 4)])
def test_wav_samples_that_do_not_fill_their_bytes_are_the_uppermost_bits(tmp_path, bits, size):
    values = np.array([0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))])
    words = [int(v) << (8 * size - bits) for v in values]
    body = b"".join(word.to_bytes(size, "little", signed=True) for word in words)
    header = struct.pack("<HHIIHH", 1, 1, 16000, 16000 * size, size, bits)
    samples = audio.read_audio(write(tmp_path, wav(header, body))).samples
    np.testing.assert_array_equal(samples[:, 0], np.float32(values / 2 ** (bits - 1)))


def integers(bits, order, channels=2):
    """(bytes, float64 [time, channels]) of integers that reach full scale."""
    limit = 2 ** (bits - 1)
    values = np.random.default_rng(bits).integers(-limit, limit, [50, channels])
    values[0, 0], values[1, 0] = -limit, limit - 1
    body = b"".join(int(v).to_bytes(bits // 8, order, signed=True) for v in values.ravel())
    return body, values / limit


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_aiff_and_sphere_samples_are_integers_over_their_full_scale(tmp_path, bits):
    body, expected = integers(bits, "big")
    swapped, _ = integers(bits, "little")
    order = "0123"[: bits // 8]
    about = {"channel_count": 2, "sample_count": 50, "sample_n_bytes": bits // 8}
    for content, name in (
        (aiff(body, channels=2, bits=bits), "AIFF"),
        (aiff(body, channels=2, bits=bits, compression=b"twos"), "AIFF"),
        (sphere(body + b"more", **about, sample_byte_format=order[::-1]), "SPHERE"),
        (sphere(swapped, **about, sample_byte_format=order, database_id="TIMIT"), "SPHERE"),
    ):
        samples, rate_hz, found, _ = audio.read_audio(write(tmp_path, content, "SA1.WAV"))
        assert (rate_hz, found, samples.dtype) == (16000, f"{name} {bits}-bit", np.float32)
        np.testing.assert_array_equal(samples, expected.astype(np.float32))


@pytest.mark.parametrize(
    "header", [{"sample_count": None}, {"header_len": 2048}, {"channel_count": None}]
)
def test_sphere_without_a_count_or_with_a_longer_header_is_read_to_its_end(tmp_path, header):
    body, expected = integers(16, "little", channels=1)
    path = write(tmp_path, sphere(body, **header))
    np.testing.assert_array_equal(audio.read_audio(path)[0], expected)


# Decision values of ITU-T G.711, tables 1 and 2, on the scale of 16 bits.
G711 = {
    "mu-law": {0x00: -32124, 0x80: 32124, 0x7F: 0, 0xFF: 0, 0xEF: 132, 0x6F: -132, 0xFE: 8},
    "A-law": {0x2A: -32256, 0xAA: 32256, 0x55: -8, 0xD5: 8, 0xC5: 264, 0x45: -264, 0xF5: 528},
}


@pytest.mark.parametrize("law", G711)
def test_mu_law_and_a_law_are_expanded_as_g711_says(tmp_path, law):
    body, expected = bytes(G711[law]), np.array(list(G711[law].values())) / 32768
    name = {"mu-law": "ulaw", "A-law": "alaw"}[law]
    for content in (
        wav(fmt({"mu-law": 7, "A-law": 6}[law], bits=8), body),
        sphere(body, sample_coding=name, sample_n_bytes=1, sample_count=len(body)),
        aiff(body, bits=16, compression=name.encode(), num_frames=len(body)),
    ):
        samples, _, found, _ = audio.read_audio(write(tmp_path, content))
        assert found.endswith(law)
        np.testing.assert_array_equal(samples[:, 0], expected)


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_flac_is_the_encoded_sine_within_one_step(bits):
    samples, rate_hz, name, _ = audio.read_audio(REFERENCE / f"tone_{bits}bit.flac")
    expected = np.hstack([tone(440, RATE_HZ, 4410), tone(880, RATE_HZ, 4410)])
    assert (rate_hz, name, samples.dtype) == (RATE_HZ, f"FLAC {bits}-bit", np.float32)
    np.testing.assert_allclose(samples, expected, atol=1.5 * 2.0 ** (1 - bits))


@pytest.mark.parametrize(
    ("name", "found", "lengths"),
    [
        ("tone_id3.mp3", "MP3", [4410]),
        ("tone_bare.mp3", "MP3", [5760]),  # ten frames of 576
        ("tone.ogg", "OGG Vorbis", [4410]),
        ("tone_opus.ogg", "OGG Opus", [9600]),
        ("tone.m4a", "MP4 AAC", range(4410, 4410 + 2048)),
    ],
)
def test_lossy_formats_keep_length_frequency_level_and_channel_order(
    tmp_path, name, found, lengths
):
    renamed = write(tmp_path, (REFERENCE / name).read_bytes(), "clip.wav")
    samples, rate_hz, format_found, _ = audio.read_audio(renamed)
    assert rate_hz == (48000 if "opus" in name else RATE_HZ)
    assert format_found == found and len(samples) in lengths and samples.shape[1] == 2
    for channel, expected_hz in enumerate((440, 880)):
        freq_hz, amplitude = peak_of_spectrum(samples[:, channel], rate_hz)
        assert freq_hz == pytest.approx(expected_hz, abs=3)
        assert amplitude == pytest.approx(0.5, rel=0.1)


def test_tags_before_an_mp3_or_flac_are_passed_over(tmp_path):
    tag = b"ID3\4\0\0\0\0\1\2" + bytes(130)
    for name in ("tone_bare.mp3", "tone_16bit.flac"):
        path = write(tmp_path, tag + tag + bytes(9) + (REFERENCE / name).read_bytes())
        found, expected = audio.read_audio(path), audio.read_audio(REFERENCE / name)
        np.testing.assert_array_equal(found.samples, expected.samples)


@pytest.mark.parametrize("name", ["tone_16bit.flac", "tone.ogg", "tone_id3.mp3", "tone.m4a"])
def test_a_truncated_compressed_file_is_refused(tmp_path, name):
    content = (REFERENCE / name).read_bytes()
    for kept in (0.01, 0.05, 0.3, 0.7, 0.95):
        with pytest.raises(InputError):
            audio.read_audio(write(tmp_path, content[: int(kept * len(content))]))


def test_a_flac_with_a_damaged_byte_of_sound_is_refused(tmp_path):
    sound = (REFERENCE / "tone_16bit.flac").read_bytes()
    for place in (-1, -314, -941, -2823):
        content = bytearray(sound)
        content[place] ^= 0x55
        with pytest.raises(InputError, match="damaged"):
            audio.read_audio(write(tmp_path, content))


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "kept_hz", "lost_hz"),
    [(8000, 16000, 3600, None), (44100, 16000, 7200, 8050), (16000, 8000, 3600, 4400)],
)
def test_resampling_keeps_what_the_new_rate_can_hold_and_nothing_else(
    from_hz, to_hz, kept_hz, lost_hz
):
    samples = audio.resample(tone(kept_hz, from_hz, from_hz), from_hz, to_hz)
    assert samples.shape == (to_hz, 1) and samples.dtype == np.float32
    found_hz, amplitude = peak_of_spectrum(samples[:, 0], to_hz)
    assert found_hz == pytest.approx(kept_hz, abs=1)
    assert 20 * np.log10(amplitude / 0.5) == pytest.approx(0, abs=0.02)
    if lost_hz:
        lost = audio.resample(tone(lost_hz, from_hz, from_hz), from_hz, to_hz)
        assert 20 * np.log10(np.abs(lost[to_hz // 4 : -to_hz // 4]).max() / 0.5) < -85


@pytest.mark.parametrize("rates", [(44100, 16000), (48000, 16000), (8000, 16000), (11025, 16000)])
def test_resampling_is_scipys_to_the_bit(rates):
    samples = np.random.default_rng(0).normal(size=(5001, 2)).astype(np.float32)
    up, down = np.array(rates[::-1]) // math.gcd(*rates)
    kaiser = ("kaiser", scipy.signal.kaiser_beta(90))
    term = max(up, down)
    taps = scipy.signal.firwin(128 * term + 1, 0.955 / term, window=kaiser).astype(np.float32)
    expected = scipy.signal.resample_poly(samples, up, down, axis=0, window=taps)
    assert audio.resample(samples, *rates).tobytes() == expected.tobytes()


def test_resampling_upwards_leaves_no_image_and_keeps_the_time_of_events(tmp_path):
    samples = audio.resample(tone(3000, 8000, 8000), 8000, 16000)[4000:12000, 0]
    spectrum = np.abs(np.fft.rfft(samples * np.blackman(8000)))
    assert 20 * np.log10(spectrum[2000:].max() / spectrum.max()) < -85  # above 4 kHz
    click = np.zeros([8000, 1], np.float32)
    click[2000] = 1
    assert np.argmax(audio.resample(click, 8000, 16000)) == 4000
    path = write(tmp_path, wav(fmt(rate_hz=95_999), BODY))
    with pytest.raises(InputError, match="95999 Hz to 16000 Hz is a ratio of 16000:95999"):
        audio.load(path, sample_rate_hz=16000, num_channels=1)


def test_load_averages_channels_or_copies_one_and_refuses_the_rest(tmp_path):
    stereo = np.float32([[1, 0], [0.5, -0.5], [-1, 0.5]])
    path = tmp_path / "stereo.wav"
    wavfile.write(path, 16000, stereo)
    mono = audio.load(path, num_channels=1, sample_rate_hz=16000)[0]
    np.testing.assert_array_equal(mono, np.float32([[1], [0], [-0.5]]))  # the mean's peak is 0.5
    np.testing.assert_array_equal(audio.load(path, num_channels=2, sample_rate_hz=16000)[0], stereo)
    with pytest.raises(InputError, match="stereo.wav: 2 channels cannot become 3.*=1 or 2"):
        audio.load(path, num_channels=3, sample_rate_hz=16000)
    wavfile.write(path, 16000, stereo[:, 0])
    copied = audio.load(path, num_channels=3, sample_rate_hz=16000)[0]
    np.testing.assert_array_equal(copied, np.repeat(stereo[:, :1], 3, axis=1))


def test_load_normalises_the_peak_after_averaging_and_resampling_and_leaves_silence(tmp_path):
    path = tmp_path / "clip.wav"
    wavfile.write(path, 8000, np.hstack([tone(440, 8000, 4000, 0.2), tone(990, 8000, 4000, 0.1)]))
    options = {"sample_rate_hz": 16000, "num_channels": 1}
    normalised, _ = audio.load(path, **options)
    assert normalised.shape == (8000, 1) and normalised.dtype == np.float32
    as_recorded = audio.resample(audio.read_audio(path).samples.mean(axis=1, keepdims=True), 1, 2)
    np.testing.assert_allclose(normalised, as_recorded / np.abs(as_recorded).max(), atol=1e-6)
    silent, _ = audio.load(write(tmp_path, wav(fmt(), bytes(200))), **options)
    np.testing.assert_array_equal(silent, np.zeros([100, 1]))


def test_facts_are_of_the_file_and_of_the_samples_before_normalisation(tmp_path):
    path = tmp_path / "clip.wav"
    wavfile.write(path, 8000, 0.3 + np.hstack([tone(400, 8000, 4000, 0.2)] * 2))
    _, facts = audio.load(path, sample_rate_hz=8000, num_channels=1)
    assert (facts.format, facts.rate_hz, facts.channels) == ("WAV float32", 8000, 2)
    assert (facts.duration_s, facts.num_samples) == (0.5, 4000)
    assert facts.level == pytest.approx(0.2 / 2**0.5, rel=1e-5)  # about the mean: 0.3 is no sound
    _, resampled = audio.load(path, sample_rate_hz=16000, num_channels=1)
    assert resampled.num_samples == 8000 and resampled.digest == facts.digest


def test_equal_content_has_one_digest_in_every_format_and_other_content_another(tmp_path):
    pcm = np.int16([1, -2, 3, 4])
    body, wide = pcm.tobytes(), (pcm.astype("<i4") << 16).tobytes()
    same = [wav(fmt(), body), wav(fmt(bits=32), wide), sphere(body), aiff(pcm.byteswap().tobytes())]
    others = [wav(fmt(), body[:6]), wav(fmt(rate_hz=8000), body), wav(fmt(channels=2), body)]

    def digest(content):
        path = write(tmp_path, content)
        return audio.load(path, sample_rate_hz=16000, num_channels=1)[1].digest

    assert len(set(map(digest, same))) == 1 and len(set(map(digest, [*same, *others]))) == 4
