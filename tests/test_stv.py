"""#TV and #sTV: draws against the paper's figures, clips against their rows."""

import numpy as np
import pytest

from wavegan_tf.corpora.synthetic import phonetics, stv, vocal_tract

NUM_DRAWS = 10000
SPEAKERS = stv.draw_speakers(20, seed=0)


@pytest.fixture(scope="module")
def tokens():
    """Half of them with [s], to know both alike."""
    rng = np.random.default_rng(1)
    return [stv.draw(rng, SPEAKERS, 0.5) for _ in range(NUM_DRAWS)]


@pytest.fixture(scope="module")
def clips():
    return [stv.make_clip(i, stv.Corpus(3, SPEAKERS, 0.5)) for i in range(6)]


def values(tokens, field, **chosen):
    picked = [t for t in tokens if all(getattr(t, k) == v for k, v in chosen.items())]
    return np.array([getattr(t, field) for t in picked])


def test_vot_is_shorter_after_s_by_the_papers_difference_and_ratio(tokens):
    bare, after_s = (values(tokens, "vot_s", with_s=w).mean() for w in (False, True))
    # Four standard errors of 5,000 draws each: 1.1 ms and 0.06.
    assert 1000 * (bare - after_s) == pytest.approx(32.35, abs=1.1)
    assert bare / after_s == pytest.approx(2.34, abs=0.06)


def test_vot_after_s_never_exceeds_65_ms_and_no_release_is_shorter_than_the_papers(tokens):
    assert values(tokens, "vot_s", with_s=True).max() <= 0.065
    assert values(tokens, "vot_s", with_s=False).max() > 0.065
    assert values(tokens, "vot_s").min() >= 0.0094
    assert values(tokens, "closure_s").min() >= 0.0092


@pytest.mark.parametrize("with_s", [False, True])
def test_vot_grows_from_p_to_t_to_k(tokens, with_s):
    p, t, k = (values(tokens, "vot_s", with_s=with_s, stop=stop).mean() for stop in "ptk")
    assert p < t < k


@pytest.mark.parametrize(
    ("field", "mean", "sd"),
    [
        ("s_s", 0.105, 0.022 * 1.05), ("vowel_s", 0.150, 0.045),
        ("vowel_db", -20, 2), ("s_db", -30, 8**0.5), ("burst_db", -29, 8**0.5),
    ],
)  # fmt: skip
def test_draws_have_the_mean_and_spread_stated(tokens, field, mean, sd):
    drawn = values(tokens, field)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / NUM_DRAWS**0.5)
    assert drawn.std() == pytest.approx(sd, rel=0.05)


def test_stops_vowels_and_speakers_are_equally_frequent(tokens):
    for field, kinds in (("stop", "ptk"), ("vowel", phonetics.VOWELS_HZ), ("speaker", SPEAKERS)):
        drawn = [getattr(t, field) for t in tokens]
        counts = np.array([drawn.count(kind) for kind in kinds])
        share = 1 / len(counts)
        assert counts.sum() == NUM_DRAWS
        spread = (NUM_DRAWS * share * (1 - share)) ** 0.5
        assert np.abs(counts - NUM_DRAWS * share).max() < 4.5 * spread


def test_f0_falls_by_four_semitones_on_average_and_stays_within_bounds(tokens):
    f0_hz = values(tokens, "f0_hz")
    assert 12 * np.log2(f0_hz[:, 0] / f0_hz[:, 1]).mean() == pytest.approx(4, abs=0.1)
    assert f0_hz.min() >= 75 and f0_hz.max() <= 280


def test_s_is_as_frequent_as_asked_for():
    rng = np.random.default_rng(2)
    for share in (0.0, stv.S_SHARE, 1.0):
        drawn = np.mean([stv.draw(rng, SPEAKERS, share).with_s for _ in range(3000)])
        assert drawn == pytest.approx(share, abs=4 * (share * (1 - share) / 3000) ** 0.5)
    assert round(stv.S_SHARE, 3) == 0.098


def test_speakers_are_men_and_women_by_turns_and_the_first_do_not_depend_on_the_number():
    speakers = stv.draw_speakers(400, seed=0)
    assert speakers[:20] == SPEAKERS
    assert stv.draw_speakers(3, seed=1) != speakers[:3]
    assert [s.sex for s in speakers[:4]] == ["M", "F", "M", "F"]
    assert len({s.name for s in speakers}) == 400
    for sex, f0_hz, scale in (("M", 125, 1), ("F", 205, phonetics.WOMEN_SCALE)):
        own = [s for s in speakers if s.sex == sex]
        assert np.mean([s.f0_hz for s in own]) == pytest.approx(f0_hz, abs=6)
        assert np.mean([s.scale for s in own]) == pytest.approx(scale, abs=0.015)


def test_a_clip_says_in_its_row_what_its_textgrid_shows(clips):
    assert {clip.row["pattern"] for clip in clips} == {"#TV", "#sTV"}
    for clip in clips:
        (tier,), row = clip.tiers, clip.row
        names = ["s_s"] * (row["pattern"] == "#sTV") + ["closure_s", "vot_s", "vowel_s"]
        assert [phone.label for phone in tier.intervals] == row["phones"].split()
        lasting_s = [p.end_s - p.start_s for p in tier.intervals]
        np.testing.assert_allclose([row[name] for name in names], lasting_s, rtol=0, atol=1e-12)
        assert all((row[name] * clip.sample_rate_hz).is_integer() for name in names)
        assert tier.intervals[-1].end_s == len(clip.samples) / clip.sample_rate_hz
        assert set(row) == set(stv.COLUMNS)
        assert np.isnan(row["s_cog_hz"]) == np.isnan(row["s_level_db"]) == (len(names) == 3)


def test_the_filter_has_the_rows_formants_in_the_middle_of_the_vowel(tokens):
    for token in tokens[:50]:
        segments, scale = stv._segments(token), token.speaker.scale
        vowel = phonetics.phones(segments)[-1]
        middle_s = (vowel.start_s + vowel.end_s) / 2
        expected_hz = [scale * f_hz for f_hz in token.formants_hz]
        np.testing.assert_allclose(vocal_tract.formants_hz(segments, middle_s, scale), expected_hz)


def test_mean_f0_is_that_of_an_even_fall_in_semitones():
    fall_hz = np.geomspace(200, 120, 100001)
    assert stv._mean_hz(200, 120) == pytest.approx(fall_hz.mean(), rel=1e-6)
    assert stv._mean_hz(280.0, 280.0) == 280


def test_a_clip_depends_on_its_number_and_seed_alone(clips):
    again = stv.make_clip(2, stv.Corpus(3, SPEAKERS, 0.5))
    np.testing.assert_array_equal(again.samples, clips[2].samples)
    np.testing.assert_equal(again.row, clips[2].row)
    assert stv.make_clip(2, stv.Corpus(4, SPEAKERS, 0.5)).row["vowel_s"] != clips[2].row["vowel_s"]


def test_a_clip_too_loud_for_16_bits_says_the_level_that_it_has(clips, monkeypatch):
    monkeypatch.setattr(stv, "_LEVEL_DB", (-3, 0))
    clip = stv.make_clip(0, stv.Corpus(3, SPEAKERS, 0.0))
    vowel = clip.samples[round(clip.tiers[0].intervals[-1].start_s * clip.sample_rate_hz) :]
    assert np.abs(clip.samples).max() < 1
    assert clip.row["vowel_level_db"] < -4
    measured_db = 10 * np.log10(np.mean(vowel**2))
    assert clip.row["vowel_level_db"] == pytest.approx(measured_db, abs=0.05)


def test_onsets_are_on_the_locus_equation():
    # F2 at the onset against F2 of the vowel: the slope of each place (Sussman et al. 1991).
    for place, slope, locus_hz in (
        ("labial", 0.85, 800), ("alveolar", 0.45, 1800), ("velar", 0.9, 1500),
    ):  # fmt: skip
        low, high = (phonetics.onset_hz(place, (500, f2, 2500))[1] for f2 in (1000, 2000))
        assert (high - low) / 1000 == pytest.approx(slope)
        assert phonetics.onset_hz(place, (500, locus_hz, 2500))[1] == pytest.approx(locus_hz)


def test_a_lognormal_draw_has_its_mean_and_spread_and_keeps_its_bounds():
    rng = np.random.default_rng(0)
    drawn = [phonetics.draw_lognormal(rng, 2.0, 0.3, 0, 100) for _ in range(20000)]
    assert np.mean(drawn) == pytest.approx(2, rel=0.01)
    assert np.std(drawn) / np.mean(drawn) == pytest.approx(0.3, rel=0.03)
    kept = [phonetics.draw_lognormal(rng, 2.0, 0.3, 1.9, 2.1) for _ in range(200)]
    assert min(kept) >= 1.9 and max(kept) <= 2.1
