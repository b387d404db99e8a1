"""Bare and reduplicated words: the paper's inventory to the number, and how they are said."""

import collections

import numpy as np
import pytest

from wavegan_tf.corpora.synthetic import phonetics, reduplication
from wavegan_tf.corpora.synthetic.reduplication import Form

FORMS = reduplication.list_forms()


@pytest.fixture(scope="module")
def items():
    """Each form drawn once, with its phones' durations."""
    rng = np.random.default_rng(0)
    return [(form, reduplication.draw(form, rng)) for form in FORMS]


@pytest.fixture(scope="module")
def clips():
    return [reduplication.make_clip(i, seed=0) for i in range(8)]


def durations_s(item, label):
    spoken = phonetics.phones(item.segments)
    return [phone.end_s - phone.start_s for phone in spoken if phone.label == label]


def test_there_are_996_items_864_of_them_in_both_forms_and_132_withheld():
    assert len(FORMS) == 996
    assert sum(form.base[0] == "s" for form in FORMS) == 132
    assert sum(form.reduplicated for form in FORMS) == 432


def test_every_base_is_said_twice_bare_and_twice_reduplicated():
    counts = collections.Counter(form for form in FORMS if form.base[0] != "s")
    bases = {form.base for form in counts}
    assert len(bases) == 216
    assert counts == {Form(b, doubled): 2 for b in bases for doubled in (False, True)}


def test_bases_in_s_are_27_said_four_or_five_times_and_never_reduplicated():
    counts = collections.Counter(form for form in FORMS if form.base[0] == "s")
    assert len(counts) == 27
    assert set(counts.values()) == {4, 5}
    assert not any(form.reduplicated for form in counts)


def test_the_inventory_is_the_papers():
    bases = {form.base for form in FORMS}
    assert {base[0] for base in bases} == set("ptkbdgvmns")
    assert not {base for base in bases if base[:2] in ("ti", "tu", "ki")}
    assert {base[:2] for base in bases if base[0] in "tk"} == {"ta", "ka", "ku"}
    assert {base[2] for base in bases} == set("lrj")
    assert {base[1] for base in bases} == {base[3] for base in bases} == set("aiu")


def test_the_first_syllable_is_what_is_doubled():
    assert Form("pala", True).word == "papala"
    assert Form("pala", False).word == "pala"


def test_the_reduplicants_stop_is_unaspirated_and_its_vowel_short(items):
    for form, item in items:
        if form.reduplicated and form.base[0] in "ptk":
            copied_s, base_s = durations_s(item, form.base[0])
            assert copied_s <= 0.030 <= base_s
        if form.reduplicated:
            vowels_s = durations_s(item, form.base[1])
            assert vowels_s[0] <= 0.0901 and vowels_s[1] >= 0.0899


def test_the_phones_spell_the_word(items):
    for form, item in items:
        spoken = phonetics.phones(item.segments)
        assert "".join(p.label for p in spoken if not p.label.endswith("cl")) == form.word


def test_a_reduplicants_vowel_lies_halfway_to_schwa():
    item = reduplication.draw(Form("pila", True), np.random.default_rng(0))
    steady = [x for x in item.segments if x.label == "i" and x.formants_hz[0] == x.formants_hz[1]]
    reduced_hz, full_hz = (np.array(x.formants_hz[0]) for x in steady)
    np.testing.assert_allclose(reduced_hz, (full_hz + (500, 1500, 2500)) / 2)
    np.testing.assert_allclose(full_hz, phonetics.VOWELS_HZ["iy"], rtol=0.08)


def test_f0_is_highest_in_the_middle_of_the_stressed_vowel(items):
    peaks_hz = []
    for form, item in items:
        (start_s, start_hz), (at_s, peak_hz), (end_s, end_hz) = item.contour_hz
        stressed = phonetics.phones(item.segments)[-3]
        assert stressed.label == form.base[1]
        assert start_s == 0 and at_s == (stressed.start_s + stressed.end_s) / 2
        assert peak_hz > max(start_hz, end_hz) and 225 < end_hz < 330
        peaks_hz.append(peak_hz)
    assert np.mean(peaks_hz) == pytest.approx(300, abs=1)


def test_every_round_of_996_clips_says_every_item_and_seeds_order_them():
    orders = [np.random.default_rng([seed, 0]).permutation(996) for seed in (0, 1)]
    words = [FORMS[i].word for i in orders[0][:3]]
    assert [reduplication.make_clip(i, 0).row["word"] for i in range(3)] == words
    again = reduplication.make_clip(996, 0)
    assert again.row["word"] == words[0] and again.name == f"{words[0]}_000996"
    assert again.row["stressed_s"] != reduplication.make_clip(0, 0).row["stressed_s"]
    assert list(orders[0]) != list(orders[1])


def test_a_clip_says_in_its_row_what_its_textgrid_shows(clips):
    assert len({clip.name for clip in clips}) == len(clips)
    for clip in clips:
        (tier,), row = clip.tiers, clip.row
        assert set(row) == set(reduplication.COLUMNS)
        assert [phone.label for phone in tier.intervals] == row["phones"].split()
        stressed = tier.intervals[-3]
        assert row["stressed_s"] == pytest.approx(stressed.end_s - stressed.start_s, abs=1e-12)
        assert tier.intervals[-1].end_s == len(clip.samples) / clip.sample_rate_hz
        assert np.isnan(row["vot_s"]) == (row["initial"] not in "ptk")
        copied = row["initial"] in "ptk" and row["reduplicated"]
        assert np.isnan(row["reduplicant_vot_s"]) != copied
        assert np.isnan(row["s_s"]) == np.isnan(row["s_cog_hz"]) == (row["initial"] != "s")


def test_a_clip_depends_on_its_number_and_seed_alone(clips):
    again = reduplication.make_clip(3, seed=0)
    np.testing.assert_array_equal(again.samples, clips[3].samples)
    np.testing.assert_equal(again.row, clips[3].row)
