"""Bare and reduplicated CVCV, one speaker, synthesised.

After the recordings of Beguš (2021, TACL 9:1180-1196), to the number: bases C1 V2 C3 V4 with C1 of
p t k b d g v m n (not ti, tu, ki), vowels of a i u, C3 of l r j, each bare and reduplicated
(C1 V2 C1 V2 C3 V4), twice: 864 items; and 27 bases in s-, which appear only bare, 132 items. Stress
is on the base's first vowel; the reduplicant's is reduced and its voiceless stop unaspirated.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from wavegan_tf.corpora import phonetics, vocal_tract
from wavegan_tf.corpora.clips import Clip
from wavegan_tf.corpora.vocal_tract import Formants, Noise, Segment
from wavegan_tf.speech.textgrids import Tier

NUM_CLIPS, _NUM_BARE = 996, 564
S_SHARE = 132 / _NUM_BARE  # of bare words, in the paper's data
SPEAKER_SCALE = phonetics.WOMEN_SCALE
"""A woman whose F0 lies, as in the paper's figures of this model, between 250 and 325 Hz."""

_F0_HZ = {"start": (265, 6), "stress": (300, 7), "end": (255, 5)}  # mean, standard deviation
_VOWELS = {"a": "aa", "i": "iy", "u": "uw"}
_INITIALS = {c: "aiu" for c in "pkbdgvmn"} | {"t": "a", "k": "au"}
_SONORANTS_HZ = {
    "l": (360, 1100, 2700), "r": (350, 1060, 1500), "j": (280, 2200, 2900),
    "m": (250, 1000, 2200), "n": (250, 1450, 2400),
}  # fmt: skip
_SIBILANT = phonetics.sibilant(5000)
_V_NOISE = Noise(((6000.0, 4000.0),), 1)
_LEVEL_DB = (-20, 1)  # of the stressed vowel: RMS, dB re full scale; mean, standard deviation
_REDUCED_DB = -5  # the voice of the reduplicant's vowel
_TOWARDS_SCHWA, _SCHWA_HZ = 0.5, (500, 1500, 2500)
_VOWEL_SPREAD = 0.02  # standard deviation of each formant, share of it, token to token

_Spread = tuple[float, float, float, float]
# Lognormal durations: (mean, standard deviation / mean, least, largest), s; chosen, not measured.
_CLOSURE_S = (0.060, 0.12, 0.030, 0.100)
_ASPIRATED_S, _UNASPIRATED_S = (0.055, 0.15, 0.030, 0.090), (0.016, 0.15, 0.0094, 0.030)  # VOT
_CONSONANT_S = (0.065, 0.12, 0.040, 0.100)
_S_S = (0.110, 0.12, 0.070, 0.160)
_STRESSED_S = (0.130, 0.10, 0.090, 0.180)
_FINAL_S = (0.110, 0.10, 0.070, 0.160)
_REDUCED_S = (0.065, 0.10, 0.045, 0.090)


class Form(NamedTuple):
    """A word: ``C1 V2 C3 V4``, and whether its first syllable is said twice."""

    base: str
    reduplicated: bool

    @property
    def word(self) -> str:
        """Writes the word."""
        return self.base[:2] + self.base if self.reduplicated else self.base


class Corpus(NamedTuple):
    """What items are drawn from."""

    seed: int
    s_share: float = S_SHARE  # of bare words, those in s-, 0 .. 1
    s_below_db: float = phonetics.S_BELOW_DB  # how far [s] is below the stressed vowel


def list_forms(s_share: float = S_SHARE) -> list[Form]:
    """Lists 996 items, by default the paper's: 216 bases x 2 forms x 2, and 132 in s-.

    Another ``s_share`` changes which of the 564 bare words are in s-.
    """
    ends = [c + v for c in "lrj" for v in "aiu"]
    bases = [c + v + end for c, vowels in _INITIALS.items() for v in vowels for end in ends]
    in_s = [f"s{v}{end}" for v in "aiu" for end in ends]
    num_s = round(s_share * _NUM_BARE)
    forms = []
    for base, times in _share_out(_NUM_BARE - num_s, bases):
        forms += [Form(base, False)] * times + [Form(base, True)] * 2
    for base, times in _share_out(num_s, in_s):
        forms += [Form(base, False)] * times
    return forms


def _share_out(num: int, bases: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Gives each base its part of ``num`` words, all alike or one less."""
    ends = [-(-num * i // len(bases)) for i in range(len(bases) + 1)]
    return zip(bases, np.diff(ends).tolist(), strict=True)


class Item(NamedTuple):
    """What is drawn of an item before it is said."""

    segments: list[Segment]
    contour_hz: list[tuple[float, float]]  # time s, F0 Hz: start, middle of the stressed vowel, end
    level_db: float  # RMS of the stressed vowel, dB re full scale


def draw(form: Form, rng: np.random.Generator, s_below_db: float = phonetics.S_BELOW_DB) -> Item:
    """Draws an item of a form from the distributions of this module."""
    level_db = float(rng.normal(*_LEVEL_DB))
    segments = _segments(form, level_db, s_below_db, rng)
    f0_hz = [float(rng.normal(*spread)) for spread in _F0_HZ.values()]
    spoken = phonetics.phones(segments)
    stressed = spoken[-3]
    times_s = (0.0, (stressed.start_s + stressed.end_s) / 2, spoken[-1].end_s)
    return Item(segments, list(zip(times_s, f0_hz, strict=True)), level_db)


def make_clip(index: int, corpus: Corpus) -> Clip:
    """Synthesises an item, named after its word and number: ``papala_000012``.

    Numbers count from 0: the items of :func:`list_forms` in an order drawn with the corpus's seed,
    again and again, said differently every time. Its row is what was intended: F0 at the start, in
    the middle of the stressed vowel and at the end; ``f1_hz`` .. and ``level_db`` (RMS, dB re full
    scale) of the stressed vowel; ``vot_s``, ``reduplicant_vot_s`` of the base's voiceless stop and
    of its copy; ``s_cog_hz`` 0 to 8 kHz. NaN: the form has no such sound.
    """
    forms, missing = list_forms(corpus.s_share), float("nan")
    order = np.random.default_rng([corpus.seed, 0]).permutation(len(forms))
    form = forms[order[index % len(forms)]]
    rng = np.random.default_rng([corpus.seed, 1, index])
    item = draw(form, rng, corpus.s_below_db)
    samples = vocal_tract.speak(item.segments, item.contour_hz, item.level_db, SPEAKER_SCALE, rng)
    samples, quieter_db = vocal_tract.fit(samples)
    spoken, initial = phonetics.phones(item.segments), form.base[0]
    formants_hz = vocal_tract.formants_hz(item.segments, item.contour_hz[1][0], SPEAKER_SCALE)
    spans_s = phonetics.durations_s(spoken)
    vots_s = [s for phone, s in zip(spoken, spans_s, strict=True) if phone.label in "ptk"]
    row = {
        "word": form.word,
        "reduplicated": form.reduplicated,
        "base": form.base,
        "initial": initial,
        "phones": " ".join(phone.label for phone in spoken),
        **{f"f0_{name}_hz": hz for name, (_, hz) in zip(_F0_HZ, item.contour_hz, strict=True)},
        **{f"f{i}_hz": f_hz for i, f_hz in enumerate(formants_hz, 1)},
        "stressed_s": spans_s[-3],
        "vot_s": vots_s[-1] if vots_s else missing,
        "reduplicant_vot_s": vots_s[0] if form.reduplicated and vots_s else missing,
        "s_s": spans_s[0] if initial == "s" else missing,
        "s_cog_hz": vocal_tract.centre_of_gravity(_SIBILANT) if initial == "s" else missing,
        "level_db": item.level_db + quieter_db,
    }
    return Clip(f"{form.word}_{index:06d}", samples, [Tier("phones", spoken)], row)


def _segments(
    form: Form, level_db: float, s_below_db: float, rng: np.random.Generator
) -> list[Segment]:
    """The segments of a form; formants of an average man."""
    c1, v2, c3, v4 = tuple(form.base)
    formants_hz = {v: phonetics.draw_formants(_VOWELS[v], _VOWEL_SPREAD, rng) for v in v2 + v4}
    full_hz, liquid_hz = formants_hz[v2], _SONORANTS_HZ[c3]
    segments: list[Segment] = []

    def vowel(
        label: str, hz: Formants, spread: _Spread, end_hz: Formants | None, db: float
    ) -> None:
        """Adds a vowel; its transition is what a release has left of it."""
        duration_s, before = phonetics.draw_lognormal(rng, *spread), segments[-1]
        # Of a release a part is gone when the voice sets in; after [s] none is.
        released = before.breath_db is not None and before.voice_db is None
        coming_s = max(phonetics.TRANSITION_S - released * before.duration_s, 0.0)
        way_hz = before.formants_hz[1], coming_s, end_hz
        segments.extend(phonetics.vowel(label, hz, duration_s, *way_hz, db))

    if form.reduplicated:
        pairs = zip(full_hz, _SCHWA_HZ, strict=True)
        reduced_hz = tuple(f + _TOWARDS_SCHWA * (s - f) for f, s in pairs)
        segments += _initial(c1, reduced_hz, _UNASPIRATED_S, level_db, s_below_db, rng)
        vowel(v2, reduced_hz, _REDUCED_S, phonetics.onset_hz(c1, full_hz), _REDUCED_DB)
    segments += _initial(c1, full_hz, _ASPIRATED_S, level_db, s_below_db, rng)
    vowel(v2, full_hz, _STRESSED_S, liquid_hz, 0.0)
    liquid_s = phonetics.draw_lognormal(rng, *_CONSONANT_S)
    segments.append(Segment(c3, liquid_s, (liquid_hz, liquid_hz), -7, phonetics.BREATH_DB))
    vowel(v4, formants_hz[v4], _FINAL_S, None, -1.0)
    return segments


def _initial(
    c1: str,
    vowel_hz: Formants,
    vot_s: _Spread,
    level_db: float,
    s_below_db: float,
    rng: np.random.Generator,
) -> list[Segment]:
    """The segments of a word-initial consonant."""
    onset_hz = phonetics.onset_hz(c1, vowel_hz)
    held_hz = (onset_hz, onset_hz)
    bounds = _S_S if c1 == "s" else _CONSONANT_S if c1 in "mnv" else _CLOSURE_S
    lasting_s = phonetics.draw_lognormal(rng, *bounds)
    if c1 == "s":
        return [Segment("s", lasting_s, held_hz, None, None, _SIBILANT, level_db - s_below_db)]
    if c1 in "mn":
        return [Segment(c1, lasting_s, (_SONORANTS_HZ[c1], onset_hz), -8, None)]
    if c1 == "v":
        return [Segment("v", lasting_s, held_hz, -10, -28, _V_NOISE, level_db - 24)]
    if c1 in "bdg":
        bar = Segment(f"{c1}cl", lasting_s, ((200, *onset_hz[1:]), onset_hz), -14, None)
        return [bar, phonetics.release(c1, vowel_hz, 0.010, level_db - 14, -22)]
    drawn_s = phonetics.draw_lognormal(rng, *vot_s)
    return [Segment(f"{c1}cl", lasting_s), phonetics.release(c1, vowel_hz, drawn_s, level_db - 9)]
