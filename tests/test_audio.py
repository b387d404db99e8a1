"""Decoding, channels, resampling and peaks, against files written by scipy or by hand."""

import pathlib
import struct
import threading

import numpy as np
import pytest
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


def returns_within(seconds, function):
    """Runs `function` in a thread that may hang, so that the test fails instead of hanging."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except InputError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no answer within {seconds} s"
    return outcome[0]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("dtype", ["u1", "<i2", "<i4", "<f4", "<f8"])
def test_wav_samples_are_those_scipy_wrote_over_their_full_scale(tmp_path, dtype, channels):
    rng = np.random.default_rng(0)
    if dtype[-2] == "f":
        written = rng.uniform(-1, 1, [100, channels]).astype(dtype)
        expected = written
    else:
        limits = np.iinfo(dtype)
        written = rng.integers(limits.min, limits.max, [100, channels], dtype, endpoint=True)
        expected = (written - (128.0 if dtype == "u1" else 0.0)) / 2.0 ** (limits.bits - 1)
    path = tmp_path / "clip.wav"
    wavfile.write(path, 8000, written)
    samples, rate_hz, _ = audio.decode(path)
    assert samples.dtype == np.float32 and type(rate_hz) is int and rate_hz == 8000
    np.testing.assert_array_equal(samples, expected.astype(np.float32))


def test_24_bit_wav_reaches_full_scale(tmp_path):
    values = [0, 1, -1, 2**23 - 1, -(2**23)]
    body = b"".join(value.to_bytes(3, "little", signed=True) for value in values)
    samples, _, _ = audio.decode(write(tmp_path, wav(fmt(bits=24), body)))
    np.testing.assert_array_equal(samples[:, 0], np.float32(values) / np.float32(2**23))


def test_wav_with_other_chunks_an_extended_header_or_unknown_length_is_read(tmp_path):
    body = np.int16([1, -2, 3]).tobytes()
    extended = fmt(codec=0xFFFE) + struct.pack("<HHIH14x", 22, 16, 4, 1)
    odd_chunks = chunk(b"LIST", b"odd") + chunk(b"xyz ", b"12")
    for content in (
        wav(fmt(), body, before=odd_chunks),
        wav(extended, body),
        wav(fmt(), body, data_size=0xFFFFFFFF),
        wav(fmt(), body, data_size=0x7FFFF000),
    ):
        samples, rate_hz, _ = audio.decode(write(tmp_path, content))
        np.testing.assert_array_equal(samples[:, 0] * 2**15, [1, -2, 3])
        assert rate_hz == 16000


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_flac_is_the_encoded_sine_within_one_step(bits):
    samples, rate_hz, _ = audio.decode(REFERENCE / f"tone_{bits}bit.flac")
    expected = np.hstack([tone(440, RATE_HZ, 4410), tone(880, RATE_HZ, 4410)])
    assert rate_hz == RATE_HZ and samples.dtype == np.float32
    np.testing.assert_allclose(samples, expected, atol=1.5 * 2.0 ** (1 - bits))


@pytest.mark.parametrize("name", ["tone_id3.mp3", "tone_bare.mp3", "tone.ogg"])
def test_lossy_formats_keep_frequency_level_and_channel_order(name):
    samples, rate_hz, _ = audio.decode(REFERENCE / name)
    assert rate_hz == RATE_HZ and samples.dtype == np.float32 and samples.shape[1] == 2
    for channel, expected_hz in enumerate((440, 880)):
        freq_hz, amplitude = peak_of_spectrum(samples[:, channel], rate_hz)
        assert freq_hz == pytest.approx(expected_hz, abs=3)
        assert amplitude == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("name", ["tone_16bit.flac", "tone_id3.mp3", "tone.ogg"])
def test_the_header_tells_the_format_and_not_the_suffix(tmp_path, name):
    content = (REFERENCE / name).read_bytes()
    renamed, _, _ = audio.decode(write(tmp_path, content, "clip.wav"))
    np.testing.assert_array_equal(renamed, audio.decode(REFERENCE / name)[0])


def integers(bits, order, channels=2):
    """(bytes, float64 [time, channels]) of integers that reach full scale."""
    limit = 2 ** (bits - 1)
    values = np.random.default_rng(bits).integers(-limit, limit, [50, channels])
    values[0, 0], values[1, 0] = -limit, limit - 1
    body = b"".join(int(v).to_bytes(bits // 8, order, signed=True) for v in values.ravel())
    return body, values / limit


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_aiff_samples_are_integers_over_their_full_scale(tmp_path, bits):
    body, expected = integers(bits, "big")
    for compression in (None, b"NONE", b"twos"):
        content = aiff(body, channels=2, bits=bits, rate_hz=44100, compression=compression)
        samples, rate_hz, name = audio.decode(write(tmp_path, content))
        assert (rate_hz, name, samples.dtype) == (44100, f"AIFF {bits}-bit", np.float32)
        np.testing.assert_array_equal(samples, expected.astype(np.float32))


def test_aiff_c_may_be_little_endian_or_float(tmp_path):
    body, expected = integers(16, "little")
    content = aiff(body, channels=2, compression=b"sowt")
    np.testing.assert_array_equal(audio.decode(write(tmp_path, content))[0], expected)
    for bits in (32, 64):
        body = expected.astype(f">f{bits // 8}").tobytes()
        content = aiff(body, channels=2, bits=bits, compression=b"fl%d" % bits)
        samples, _, name = audio.decode(write(tmp_path, content))
        assert name == f"AIFF float{bits}"
        np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_sphere_samples_are_integers_over_their_full_scale(tmp_path, bits, order):
    body, expected = integers(bits, order)
    digits = "0123"[: bits // 8]
    content = sphere(
        body + b"more than announced", channel_count=2, sample_count=50, sample_n_bytes=bits // 8,
        sample_byte_format=digits if order == "little" else digits[::-1], sample_rate=20000,
        database_id="TIMIT",
    )  # fmt: skip
    samples, rate_hz, name = audio.decode(write(tmp_path, content, "SA1.WAV"))
    assert (rate_hz, name, samples.dtype) == (20000, f"SPHERE {bits}-bit", np.float32)
    np.testing.assert_array_equal(samples, expected.astype(np.float32))


def test_sphere_without_a_count_or_with_a_longer_header_is_read_to_its_end(tmp_path):
    body, expected = integers(16, "little", channels=1)
    for content in (
        sphere(body, sample_count=None),
        sphere(body, header_len=2048),
        sphere(body, channel_count=None),
    ):
        np.testing.assert_array_equal(audio.decode(write(tmp_path, content))[0], expected)


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
        samples, _, found = audio.decode(write(tmp_path, content))
        assert found.endswith(law)
        np.testing.assert_array_equal(samples[:, 0], expected)


ONE = np.int16([1]).tobytes()
BAD_FILES = {
    "empty": (b"", "an empty file"),
    "text": (b"0_jackson_0 zero\n", "not a known audio format"),
    "noise": (bytes(range(7, 256)) * 40, "not a known audio format"),
    "riff header only": (wav(fmt(), ONE)[:12], "without a format and data chunk"),
    "cut in fmt": (wav(fmt(), ONE)[:30], "truncated WAV"),
    "cut in data": (wav(fmt(), 9 * ONE)[:-6], "18 bytes announced in b'data', 12 there"),
    "fmt too short": (wav(fmt()[:8], ONE), "without a format and data chunk"),
    "no samples": (wav(fmt(), b""), "no samples"),
    "half a frame": (wav(fmt(channels=2), 3 * ONE), "6 bytes in frames of 4 bytes"),
    "no channels": (wav(fmt(channels=0), ONE), "0 channels"),
    "rate of 0": (wav(fmt(rate_hz=0), ONE), "0 Hz"),
    "16 bits of mu-law": (wav(fmt(codec=7), ONE), "16 bits coded as mu-law"),
    "ADPCM": (wav(fmt(codec=2, bits=4), ONE), "ADPCM"),
    "12 bits": (wav(fmt(bits=12), ONE), "12 bits"),
    "NaN": (wav(fmt(3, bits=32), np.float32([0, np.nan]).tobytes()), "1 of 2 samples are NaN"),
    "inf": (wav(fmt(3, bits=32), np.float32([np.inf]).tobytes()), "1 of 1 samples are NaN"),
    "over float32": (wav(fmt(3, bits=64), np.float64([1e99]).tobytes()), "1 of 1 samples are NaN"),
    "IFF": (b"FORM\0\0\0\0ILBM", "an IFF file that is not AIFF"),
    "AIFF header": (b"FORM\0\0\0\0AIFF", "without its COMM and SSND chunks"),
    "AIFF cut": (aiff(9 * ONE)[:-6], "a truncated AIFF: 26 bytes announced in b'SSND', 20 there"),
    "AIFF of too few": (aiff(9 * ONE, num_frames=10), "a truncated AIFF: 20 bytes announced, 18"),
    "AIFF-C": (aiff(ONE, compression=b"ima4"), "AIFF coded as b'ima4'"),
    "AIFF of 12 bits": (aiff(ONE, bits=12), "AIFF of 12 bits"),
    "AIFF no channels": (aiff(ONE, channels=0, num_frames=1), "0 channels"),
    "SPHERE start": (b"NIST_1A\n   1024\n", "SPHERE file with a truncated or damaged header"),
    "SPHERE half a header": (sphere(ONE)[:700], "truncated or damaged header"),
    "SPHERE cut": (sphere(9 * ONE)[:-6], "a truncated SPHERE file: 18 bytes announced, 12 there"),
    "SPHERE no rate": (sphere(ONE, sample_rate=None), "whole numbers for sample_rate"),
    "SPHERE rate": (sphere(ONE, sample_rate="fast"), "whole numbers for sample_rate"),
    "SPHERE order": (sphere(ONE, sample_byte_format="mix"), "unknown sample_byte_format mix"),
    "shorten": (sphere(ONE, sample_coding="pcm,embedded-shorten-v2.00"), "expand it with sph2pipe"),
    "SPHERE coding": (sphere(ONE, sample_coding="celp"), "SPHERE coded as celp"),
    "MP4": (b"\0\0\0\x20ftypM4A ", "MP4"),
    "empty Ogg": (b"OggS", "Ogg file that is not Vorbis"),
    "FLAC header": (b"fLaC\0\0\0\x22", "truncated FLAC"),
    "ID3 only": (b"ID3\3\0\0\0\0\0\0", "an empty file"),
    "MP3 header": (b"\xff\xfb\x90\x64", "truncated or damaged"),
}


@pytest.mark.parametrize(("content", "found"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_by_name_with_what_was_found_and_the_way_out(
    tmp_path, content, found
):
    path = write(tmp_path, content)
    with pytest.raises(InputError) as raised:
        audio.decode(path)
    message = str(raised.value)
    assert message.startswith(path + ": ") and found in message and "convert it to WAV" in message


def test_opus_is_refused():
    with pytest.raises(InputError, match="not Vorbis"):
        audio.decode(REFERENCE / "tone_opus.ogg")


def test_a_file_that_cannot_be_opened_is_refused_with_the_systems_reason(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        audio.decode(tmp_path / "absent.wav")
    with pytest.raises(InputError, match="Is a directory"):
        audio.decode(tmp_path)


@pytest.mark.parametrize("kept", [0.01, 0.05, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["tone_16bit.flac", "tone_24bit.flac", "tone.ogg", "tone_id3.mp3"])
def test_a_truncated_compressed_file_is_refused(tmp_path, name, kept):
    content = (REFERENCE / name).read_bytes()
    path = write(tmp_path, content[: int(kept * len(content))])
    assert isinstance(returns_within(60, lambda: audio.decode(path)), InputError)


def test_an_mp3_without_a_length_gives_what_is_left_of_it(tmp_path):
    content = (REFERENCE / "tone_bare.mp3").read_bytes()
    samples, _, _ = audio.decode(write(tmp_path, content[: len(content) // 2]))
    whole, _, _ = audio.decode(REFERENCE / "tone_bare.mp3")
    assert 0 < len(samples) < len(whole)


def test_a_flac_without_its_frames_is_refused_and_not_waited_for(tmp_path):
    content = (REFERENCE / "tone_16bit.flac").read_bytes()
    path = write(tmp_path, content[: content.index(b"\xff\xf8")])
    assert isinstance(returns_within(60, lambda: audio.decode(path)), InputError)


@pytest.mark.parametrize("place", [-1, -314, -941, -2823])
def test_a_flac_with_a_damaged_byte_of_sound_is_refused(tmp_path, place):
    content = bytearray((REFERENCE / "tone_16bit.flac").read_bytes())
    content[place] ^= 0x55
    path = write(tmp_path, content)
    assert isinstance(returns_within(60, lambda: audio.decode(path)), InputError)


def test_a_flac_that_ends_in_noise_is_refused_and_not_waited_for(tmp_path):
    content = (REFERENCE / "tone_16bit.flac").read_bytes()
    path = write(tmp_path, content[:-941] + 3000 * b"\xff")
    assert isinstance(returns_within(60, lambda: audio.decode(path)), InputError)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "freq_hz"),
    [
        (8000, 16000, 440),
        (8000, 16000, 3600),
        (44100, 16000, 440),
        (44100, 16000, 7200),
        (11025, 16000, 4900),
        (48000, 16000, 1000),
        (16000, 8000, 3600),
    ],
)
def test_resampling_keeps_frequency_level_and_duration(from_hz, to_hz, freq_hz):
    samples = audio.resample(tone(freq_hz, from_hz, from_hz), from_hz, to_hz)
    assert samples.shape == (to_hz, 1) and samples.dtype == np.float32
    found_hz, amplitude = peak_of_spectrum(samples[:, 0], to_hz)
    assert found_hz == pytest.approx(freq_hz, abs=1)
    assert 20 * np.log10(amplitude / 0.5) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "freq_hz"),
    [(44100, 16000, 8050), (44100, 16000, 12000), (16000, 8000, 4400)],
)
def test_resampling_removes_what_the_new_rate_cannot_hold(from_hz, to_hz, freq_hz):
    samples = audio.resample(tone(freq_hz, from_hz, from_hz), from_hz, to_hz)
    middle = samples[to_hz // 4 : -to_hz // 4]
    assert 20 * np.log10(np.abs(middle).max() / 0.5) < -85


def test_resampling_upwards_leaves_no_image():
    samples = audio.resample(tone(3000, 8000, 8000), 8000, 16000)[4000:12000, 0]
    spectrum = np.abs(np.fft.rfft(samples * np.blackman(8000)))
    above_4_khz = spectrum[2000:]
    assert 20 * np.log10(above_4_khz.max() / spectrum.max()) < -85


def test_resampling_keeps_the_time_of_events():
    click = np.zeros([8000, 1], np.float32)
    click[2000] = 1
    assert np.argmax(audio.resample(click, 8000, 16000)) == 4000


def test_rates_without_a_usable_ratio_are_refused(tmp_path):
    path = write(tmp_path, wav(fmt(rate_hz=95_999), 100 * ONE))
    with pytest.raises(
        InputError, match="clip.wav: 95999 Hz to 16000 Hz is a ratio of 16000:95999"
    ):
        audio.load(path, sample_rate_hz=16000, num_channels=1)


def test_load_averages_channels_or_copies_one_and_refuses_the_rest(tmp_path):
    stereo = np.float32([[1, 0], [0.5, -0.5], [-1, 0.5]])
    path = tmp_path / "stereo.wav"
    wavfile.write(path, 16000, stereo)
    options = {"sample_rate_hz": 16000, "peak_normalize": False}
    np.testing.assert_array_equal(
        audio.load(path, num_channels=1, **options)[0], np.float32([[0.5], [0], [-0.25]])
    )
    np.testing.assert_array_equal(audio.load(path, num_channels=2, **options)[0], stereo)
    with pytest.raises(InputError, match="stereo.wav: 2 channels cannot become 3.*=1 or 2"):
        audio.load(path, num_channels=3, **options)
    wavfile.write(path, 16000, stereo[:, 0])
    np.testing.assert_array_equal(
        audio.load(path, num_channels=3, **options)[0], np.repeat(stereo[:, :1], 3, axis=1)
    )


def test_load_normalises_the_peak_after_averaging_and_resampling(tmp_path):
    path = tmp_path / "clip.wav"
    wavfile.write(path, 8000, np.hstack([tone(440, 8000, 4000, 0.2), tone(990, 8000, 4000, 0.1)]))
    options = {"sample_rate_hz": 16000, "num_channels": 1}
    normalised, _ = audio.load(path, **options)
    as_recorded, _ = audio.load(path, **options, peak_normalize=False)
    assert normalised.shape == (8000, 1) and normalised.dtype == np.float32
    assert np.abs(normalised).max() == 1
    assert np.abs(as_recorded).max() < 0.2
    np.testing.assert_allclose(normalised * np.abs(as_recorded).max(), as_recorded, atol=1e-7)


def test_load_leaves_silence_silent(tmp_path):
    samples, _ = audio.load(
        write(tmp_path, wav(fmt(), bytes(200))), sample_rate_hz=16000, num_channels=1
    )
    np.testing.assert_array_equal(samples, np.zeros([100, 1]))


def test_load_gives_the_same_bits_twice():
    first, second = (
        audio.load(REFERENCE / "tone.ogg", sample_rate_hz=16000, num_channels=1)[0]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


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
    def digest(name, content):
        path = write(tmp_path, content, name)
        return audio.load(path, sample_rate_hz=16000, num_channels=1)[1].digest

    pcm = np.int16([1, -2, 3, 4])
    same = {
        digest("a.wav", wav(fmt(), pcm.tobytes())),
        digest("b.wav", wav(fmt(bits=8 * 4), (pcm.astype("<i4") << 16).tobytes())),
        digest("c.sph", sphere(pcm.tobytes())),
        digest("d.aiff", aiff(pcm.byteswap().tobytes())),
    }
    assert len(same) == 1
    others = {
        digest("e.wav", wav(fmt(), pcm[:3].tobytes())),
        digest("f.wav", wav(fmt(rate_hz=8000), pcm.tobytes())),
        digest("g.wav", wav(fmt(channels=2), pcm.tobytes())),
    }
    assert len(same | others) == 4
