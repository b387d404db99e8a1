"""Synthetic corpora: the synthesiser against arithmetic and Praat, draws against the papers."""

import collections

import measure_corpus
import numpy as np
import pytest
from parselmouth import Sound
from parselmouth.praat import call

from wavegan_tf.corpora import phonetics, reduplication, stv, vocal_tract
from wavegan_tf.corpora.reduplication import Form
from wavegan_tf.corpora.vocal_tract import Noise, Segment

RATE_HZ = 16000
SIBILANT = phonetics.sibilant(4700.0)
AA_HZ = phonetics.VOWELS_HZ["aa"]
FLOOR = 10 ** (vocal_tract.FLOOR_DB / 20)
NUM_DRAWS = 10000
SPEAKERS = stv.draw_speakers(20, seed=0)
FORMS = reduplication.list_forms()


def rng():
    return np.random.default_rng(5)


def vowel(duration_s=0.3, hz=AA_HZ, **others):
    return Segment("v", duration_s, (hz, hz), 0.0, **others)


def hiss(noise_db):
    return Segment("s", 0.3, noise=SIBILANT, noise_db=noise_db)


def db(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


def part(samples, start_s, end_s):
    return samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]


@pytest.mark.parametrize("name", ["iy", "eh", "aa", "uw", "er"])
@pytest.mark.parametrize("scale", [1.0, 1.17])
def test_formants_are_those_asked_for(name, scale):
    # At an F0 of 60 Hz harmonics are so dense that LPC does not follow them.
    hz = phonetics.VOWELS_HZ[name]
    samples = vocal_tract.speak([vowel(hz=hz)], [(0, 60), (0.3, 60)], -20, scale, rng())
    who = "F" if scale > 1 else "M"
    found = measure_corpus.formants_hz(samples, RATE_HZ, len(samples) / 2, who)
    np.testing.assert_allclose(list(found.values()), scale * np.array(hz), rtol=0.02, atol=12)


def test_formants_that_jump_at_a_boundary_do_so_in_praats_own_grid():
    # Of two points at one time Praat would keep the first, and slide instead.
    segments = [vowel(0.1, (300, 1000, 2500)), vowel(0.1, (700, 1500, 2500))]
    grid = call("Create FormantGrid", "tract", 0, 0.2, 1, 500, 1000, 50, 50)
    call(grid, "Remove formant points between", 1, 0, 0.2)
    for at_s, value in zip(*vocal_tract._formant_tracks(segments, 1.0)[0], strict=True):
        call(grid, "Add formant point", 1, at_s, value)
    asked = call(grid, "To Formant", 0.001, 0.1)
    for at_s in (0.05, 0.099, 0.101, 0.15, 0.19):
        f1_hz = vocal_tract.formants_hz(segments, at_s, 1.0)[0]
        assert f1_hz == pytest.approx(asked.get_value_at_time(1, at_s), abs=0.1)
    assert vocal_tract.formants_hz(segments, 0.15, 1.1)[0] == pytest.approx(1.1 * 700)


@pytest.mark.parametrize(
    "noise", [SIBILANT, *phonetics.BURSTS.values(), Noise(((6000.0, 4000.0),), 1)]
)
def test_noise_has_the_centre_of_gravity_stated_and_power_1(noise):
    samples = vocal_tract.shaped_noise(noise, 8 * RATE_HZ, rng())
    measured_hz = Sound(samples, RATE_HZ).to_spectrum().get_centre_of_gravity(2)
    assert measured_hz == pytest.approx(vocal_tract.centre_of_gravity(noise), rel=0.01)
    assert db(samples) == pytest.approx(0, abs=0.15)


def test_vowel_noise_and_silence_have_the_levels_asked_for():
    segments = [hiss(-31), Segment("cl", 0.1), vowel(), vowel()._replace(voice_db=-6.0)]
    samples = vocal_tract.speak(segments, [(0.4, 120), (1.0, 120)], -18, 1.0, rng())
    assert db(part(samples, 0.4, 0.7)) == pytest.approx(-18, abs=0.05)
    assert db(part(samples, 0.75, 0.95)) == pytest.approx(-24, abs=0.15)
    assert db(part(samples, 0.02, 0.28)) == pytest.approx(-31, abs=0.4)
    assert db(part(samples, 0.305, 0.395)) == pytest.approx(vocal_tract.FLOOR_DB, abs=0.3)


@pytest.mark.parametrize(
    ("sounding", "late_s"),
    [(phonetics.release("t", AA_HZ, 0.05, -25), 0.001), (hiss(-25), 0.004), (vowel(), 0.004)],
    ids=["burst", "s", "voice"],
)
def test_sound_begins_at_its_boundary_and_never_before(sounding, late_s):
    segments = [Segment("cl", 0.05), sounding, vowel()]
    samples = vocal_tract.speak(segments, [(0, 250), (0.5, 250)], -20, 1.0, rng())
    begin_s = np.argmax(np.abs(samples) > 8 * FLOOR) / RATE_HZ
    assert 0 <= begin_s - 0.05 <= late_s
    assert np.abs(part(samples, 0, 0.05)).max() < 5 * FLOOR


@pytest.fixture(scope="module")
def tokens():
    """Tokens of #TV and #sTV, half of them with [s], to know both alike."""
    generator = np.random.default_rng(1)
    return [stv.draw(generator, stv.Corpus(0, SPEAKERS, 0.5)) for _ in range(NUM_DRAWS)]


def values(tokens, field, **chosen):
    picked = [t for t in tokens if all(getattr(t, k) == v for k, v in chosen.items())]
    return np.array([getattr(t, field) for t in picked])


def test_vot_is_the_papers(tokens):
    bare, after_s = (values(tokens, "vot_s", with_s=with_s) for with_s in (False, True))
    # Four standard errors of 5,000 draws each: 1.1 ms and 0.06.
    assert 1000 * (bare.mean() - after_s.mean()) == pytest.approx(32.35, abs=1.1)
    assert bare.mean() / after_s.mean() == pytest.approx(2.34, abs=0.06)
    assert after_s.max() <= 0.065 < bare.max()
    assert values(tokens, "vot_s").min() >= 0.0094
    assert values(tokens, "closure_s").min() >= 0.0092
    for with_s in (False, True):
        p, t, k = (values(tokens, "vot_s", with_s=with_s, stop=x).mean() for x in "ptk")
        assert p < t < k


@pytest.mark.parametrize(
    ("field", "mean", "sd"),
    [("s_s", 0.105, 0.022 * 1.05), ("vowel_s", 0.150, 0.045), ("burst_db", -29, 8**0.5)],
)
def test_draws_have_the_mean_and_spread_stated(tokens, field, mean, sd):
    drawn = values(tokens, field)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / NUM_DRAWS**0.5)
    assert drawn.std() == pytest.approx(sd, rel=0.05)


def test_stops_vowels_speakers_and_s_are_as_frequent_as_they_should(tokens):
    kinds = {"stop": "ptk", "vowel": phonetics.VOWELS_HZ, "speaker": SPEAKERS, "with_s": (0, 1)}
    for field, values in kinds.items():
        counts, share = collections.Counter(getattr(t, field) for t in tokens), 1 / len(values)
        spread = (NUM_DRAWS * share * (1 - share)) ** 0.5
        assert max(abs(counts[x] - NUM_DRAWS * share) for x in values) < 4.5 * spread
    generator = np.random.default_rng(2)
    for share in (0.0, 533 / 5463, 1.0):
        corpus = stv.Corpus(0, SPEAKERS, share)
        drawn = np.mean([stv.draw(generator, corpus).with_s for _ in range(3000)])
        assert drawn == pytest.approx(share, abs=4 * (share * (1 - share) / 3000) ** 0.5)


def test_f0_falls_by_four_semitones_on_average_and_stays_within_bounds(tokens):
    f0_hz = values(tokens, "f0_hz")
    assert 12 * np.log2(f0_hz[:, 0] / f0_hz[:, 1]).mean() == pytest.approx(4, abs=0.1)
    assert f0_hz.min() >= 75 and f0_hz.max() <= 280


def test_speakers_are_men_and_women_by_turns_and_the_first_do_not_depend_on_the_number():
    speakers = stv.draw_speakers(400, seed=0)
    assert speakers[:20] == SPEAKERS
    assert stv.draw_speakers(3, seed=1) != speakers[:3]
    assert [s.sex for s in speakers] == ["M", "F"] * 200
    for sex, f0_hz, scale in (("M", 125, 1), ("F", 205, phonetics.WOMEN_SCALE)):
        own = [s for s in speakers if s.sex == sex]
        assert np.mean([s.f0_hz for s in own]) == pytest.approx(f0_hz, abs=6)
        assert np.mean([s.scale for s in own]) == pytest.approx(scale, abs=0.015)


def test_a_clip_too_loud_for_16_bits_says_the_level_that_it_has(monkeypatch):
    monkeypatch.setattr(stv, "_LEVEL_DB", (-3, 0))
    clip = stv.make_clip(0, stv.Corpus(3, SPEAKERS, 0.0))
    voiced = clip.samples[round(clip.tiers[0].intervals[-1].start_s * RATE_HZ) :]
    assert np.abs(clip.samples).max() < 1
    assert clip.row["vowel_level_db"] == pytest.approx(db(voiced), abs=0.05)


def test_the_inventory_is_the_papers_to_the_number():
    counts = collections.Counter(FORMS)
    bases = {form.base for form in FORMS}
    spoken = {base for base in bases if base[0] != "s"}
    assert (len(FORMS), len(spoken), len(bases - spoken)) == (996, 216, 27)
    assert all(counts[Form(base, doubled)] == 2 for base in spoken for doubled in (False, True))
    withheld = {form: n for form, n in counts.items() if form.base[0] == "s"}
    assert sum(withheld.values()) == 132 and set(withheld.values()) == {4, 5}
    assert not any(form.reduplicated for form in withheld)
    assert {base[0] for base in bases} == set("ptkbdgvmns")
    assert {base[:2] for base in bases if base[0] in "tk"} == {"ta", "ka", "ku"}
    assert {base[2] for base in bases} == set("lrj")
    assert {base[1] for base in bases} == {base[3] for base in bases} == set("aiu")
    assert (Form("pala", True).word, Form("pala", False).word) == ("papala", "pala")


@pytest.fixture(scope="module")
def items():
    """Each form drawn once, with its phones."""
    generator = np.random.default_rng(0)
    drawn = [(form, reduplication.draw(form, generator)) for form in FORMS]
    return [(form, item, phonetics.phones(item.segments)) for form, item in drawn]


def test_phones_spell_the_word_and_the_reduplicants_are_short(items):
    for form, _, spoken in items:
        assert "".join(p.label for p in spoken if not p.label.endswith("cl")) == form.word
        if form.reduplicated:
            vowels_s = [p.end_s - p.start_s for p in spoken if p.label == form.base[1]]
            assert vowels_s[0] <= 0.0901 and vowels_s[1] >= 0.0899
            if form.base[0] in "ptk":
                copied_s, base_s = (p.end_s - p.start_s for p in spoken if p.label == form.base[0])
                assert copied_s <= 0.030 <= base_s


def test_f0_is_highest_in_the_middle_of_the_stressed_vowel(items):
    peaks_hz = []
    for form, item, spoken in items:
        (start_s, start_hz), (at_s, peak_hz), (_, end_hz) = item.contour_hz
        assert spoken[-3].label == form.base[1]
        assert start_s == 0 and at_s == (spoken[-3].start_s + spoken[-3].end_s) / 2
        assert peak_hz > max(start_hz, end_hz) and 225 < end_hz < 330
        peaks_hz.append(peak_hz)
    assert np.mean(peaks_hz) == pytest.approx(300, abs=1)


def test_every_round_of_996_clips_says_every_item_in_an_order_of_the_seed():
    order = np.random.default_rng([0, 0]).permutation(996)
    clips = [reduplication.make_clip(i, reduplication.Corpus(0)) for i in (0, 1, 996)]
    words = [FORMS[order[i]].word for i in (0, 1, 0)]
    assert [clip.row["word"] for clip in clips] == words
    assert clips[2].name == f"{words[0]}_000996"
    assert clips[2].row["stressed_s"] != clips[0].row["stressed_s"]
    other = FORMS[np.random.default_rng([1, 0]).permutation(996)[0]].word
    assert reduplication.make_clip(0, reduplication.Corpus(1)).row["word"] == other != words[0]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_another_share_of_s_is_of_the_bare_words_and_says_all_bases_alike(share):
    counts = collections.Counter(reduplication.list_forms(share))
    of_s = {form: n for form, n in counts.items() if form.base[0] == "s"}
    bare = {form: n for form, n in counts.items() if not form.reduplicated}
    assert (counts.total(), sum(bare.values())) == (996, 564)
    assert sum(of_s.values()) == 564 * share and of_s.keys() <= bare.keys()
    for group in (of_s, {form: n for form, n in bare.items() if form not in of_s}):
        assert not group or max(group.values()) - min(group.values()) <= 1


@pytest.mark.parametrize("module", [stv, reduplication])
def test_s_below_moves_the_level_of_s_and_nothing_else(module):
    plan = stv.Corpus(3, SPEAKERS, 1.0) if module is stv else reduplication.Corpus(3, 1.0)
    number = next(i for i in range(99) if "s " in module.make_clip(i, plan).row["phones"])
    usual, loud = (module.make_clip(number, plan._replace(s_below_db=x)) for x in (10.0, 4.0))
    span = usual.tiers[0].intervals[0]
    assert span.label == "s" and loud.tiers == usual.tiers
    # Not its edges, where it fades, and the floor of noise is in both.
    hiss = [part(x.samples, span.start_s + 0.02, span.end_s - 0.02) for x in (usual, loud)]
    assert db(hiss[1]) - db(hiss[0]) == pytest.approx(6.0, abs=0.05)
    rest = [x.samples[round((span.end_s + 0.02) * RATE_HZ) :] for x in (usual, loud)]
    np.testing.assert_allclose(rest[0], rest[1], atol=2e-4)


@pytest.mark.parametrize(
    ("module", "plan"),
    [(stv, stv.Corpus(3, SPEAKERS, 0.5)), (reduplication, reduplication.Corpus(0))],
)
def test_a_clip_says_in_its_row_what_its_textgrid_shows(module, plan):
    for i in range(8):
        clip = module.make_clip(i, plan)
        (tier,), row = clip.tiers, clip.row
        labels = row["phones"].split()
        assert np.isnan([row["s_s"], row["s_cog_hz"]]).tolist() == 2 * ["s" not in labels]
        if module is stv:
            expected_s = {"vowel_s": -1, "vot_s": -2, "closure_s": -3}
        else:
            expected_s = {"stressed_s": -3}
            assert np.isnan(row["vot_s"]) == (row["initial"] not in "ptk")
            copied = row["initial"] in "ptk" and row["reduplicated"]
            assert np.isnan(row["reduplicant_vot_s"]) != copied
        for name, phone in expected_s.items():
            _, start_s, end_s = tier.intervals[phone]
            assert row[name] == pytest.approx(end_s - start_s, abs=1e-12)
            assert (row[name] * RATE_HZ).is_integer()
