"""#TV and #sTV: word-initial voiceless stop and vowel, with and without [s] before, synthesised.

After the cuts from TIMIT that Beguš (2020, Frontiers in AI 3:44) trained on: 4,930 #TV and 533
#sTV; VOT longer by 32.35 ms in #TV, 2.34 times that of #sTV, where it never exceeds 65 ms; shortest
closure 9.2 ms, shortest VOT 9.4 ms. The distributions are the constants below.
"""

from typing import NamedTuple

import numpy as np

from wavegan_tf.corpora.clips import Clip
from wavegan_tf.corpora.synthetic import phonetics, vocal_tract
from wavegan_tf.corpora.synthetic.vocal_tract import SAMPLE_RATE_HZ, Segment

S_SHARE = 533 / 5463
"""Share of #sTV in the paper's data."""

COLUMNS = (
    "pattern phones speaker sex scale place vowel f0_start_hz f0_end_hz f0_mean_hz f1_hz f2_hz "
    "f3_hz s_s s_cog_hz closure_s vot_s vowel_s vowel_level_db s_level_db burst_level_db"
).split()
"""Of the manifest: what was intended.

pattern: ``#TV`` or ``#sTV``; phones: those of the TextGrid, ``pcl`` the closure of p; speaker; sex:
``M`` or ``F``; scale: of the speaker's formants, 1 an average man's; place: of the stop; vowel.
f0_start_hz, f0_end_hz: at the vowel's ends, linear in log F0 between; f0_mean_hz: over its time.
f1_hz .. f3_hz: what the vowel reaches, at the latest after a third of it, and holds. s_s,
closure_s, vowel_s: durations; vot_s: from release to the start of the first glottal cycle.
s_cog_hz: centre of gravity of [s], 0 to 8 kHz. vowel_level_db, s_level_db, burst_level_db: RMS, dB
re full scale: of all the vowel, of [s] between its edges, of the burst's 10 ms.
NaN: without [s]."""

# Lognormal durations: (mean, standard deviation / mean, least, largest), s. VOT, the shortest
# closure and the shares are the paper's; all else is chosen, within what is usual in English.
_S_S = (0.105, 0.22, 0.050, 0.220)
_CLOSURE_S = {False: (0.060, 0.35, 0.0092, 0.130), True: (0.045, 0.35, 0.0092, 0.100)}
_VOT_S = {  # by whether [s] precedes, and place; means 56.5 and 24.1 ms, 32.35 ms and 2.34 apart
    (False, "p"): (0.0475, 0.30, 0.0094, 0.150),
    (False, "t"): (0.0570, 0.30, 0.0094, 0.150),
    (False, "k"): (0.0650, 0.30, 0.0094, 0.150),
    (True, "p"): (0.0175, 0.30, 0.0094, 0.065),
    (True, "t"): (0.0235, 0.30, 0.0094, 0.065),
    (True, "k"): (0.0310, 0.30, 0.0094, 0.065),
}
_VOWEL_S = (0.150, 0.30, 0.060, 0.350)

_SPEAKER_F0_HZ = {"M": (125, 15, 90, 250), "F": (205, 20, 90, 250)}  # mean, SD, bounds
_SPEAKER_SCALE_SD = 0.04
_START_ST, _END_ST = (2.0, 1.0), (-2.0, 1.5)  # the contour, semitones from the speaker's F0
_F0_BOUNDS_HZ = (75, 280)  # of both ends
_VOWEL_SPREAD = 0.03  # standard deviation of each formant, share of it, token to token
_LEVEL_DB = (-20, 2)  # of the vowel: RMS, dB re full scale; mean, standard deviation
_S_BELOW_DB, _BURST_BELOW_DB = (10, 2), (9, 2)  # below the vowel, dB
_S_POLE_HZ = (4700, 250)  # of an average man's [s]; grows with the root of a speaker's scale


class Speaker(NamedTuple):
    """Who speaks: sex ``M`` or ``F``, F0 in Hz, formants and [s] against an average man's."""

    name: str
    sex: str
    f0_hz: float
    scale: float
    s_pole_hz: float


def draw_speakers(num: int, seed: int) -> list[Speaker]:
    """Speakers, men and women by turns.

    Args:
        num: How many.
        seed: Of the draws.

    Returns:
        ``num`` speakers; the first ones do not depend on ``num``.
    """
    speakers = []
    for i in range(num):
        rng = np.random.default_rng([seed, 0, i])
        sex = "MF"[i % 2]
        mean = phonetics.WOMEN_SCALE if sex == "F" else 1.0
        scale = mean * (1 + _SPEAKER_SCALE_SD * rng.standard_normal())
        speakers.append(
            Speaker(
                f"{sex.lower()}{i + 1:03d}",
                sex,
                phonetics.draw_normal(rng, *_SPEAKER_F0_HZ[sex]),
                float(scale),
                float(rng.normal(*_S_POLE_HZ) * np.sqrt(scale)),
            )
        )
    return speakers


class Corpus(NamedTuple):
    """What tokens are drawn from: a seed, speakers, and the probability of [s], 0 .. 1."""

    seed: int
    speakers: list[Speaker]
    s_share: float


class Token(NamedTuple):
    """What is drawn of a token before it is said.

    Attributes:
        speaker: Who says it.
        with_s: Whether [s] precedes the stop.
        stop: ``p``, ``t`` or ``k``.
        vowel: Of ``phonetics.VOWELS_HZ``.
        formants_hz: (F1, F2, F3) that the vowel holds, of an average man: times ``speaker.scale``
            the speaker's.
        f0_hz: At the start and at the end of the vowel.
        s_s: Duration of [s], drawn and not used without it.
        closure_s: Duration of the closure.
        vot_s: Voice onset time.
        vowel_s: Duration of the vowel.
        vowel_db: RMS of the vowel, dB re full scale.
        s_db: That of [s].
        burst_db: That of the burst.
    """

    speaker: Speaker
    with_s: bool
    stop: str
    vowel: str
    formants_hz: tuple[float, float, float]
    f0_hz: tuple[float, float]
    s_s: float
    closure_s: float
    vot_s: float
    vowel_s: float
    vowel_db: float
    s_db: float
    burst_db: float


def draw(rng: np.random.Generator, speakers: list[Speaker], s_share: float) -> Token:
    """Draws a token from the distributions of this module.

    Args:
        rng: Where from.
        speakers: Each as probable as the others; so are stops and vowels.
        s_share: Probability of [s], 0 .. 1.
    """
    with_s = bool(rng.random() < s_share)
    speaker = speakers[rng.integers(len(speakers))]
    stop = "ptk"[rng.integers(3)]
    vowel = list(phonetics.VOWELS_HZ)[rng.integers(len(phonetics.VOWELS_HZ))]
    formants_hz = tuple(
        f_hz * (1 + _VOWEL_SPREAD * rng.standard_normal()) for f_hz in phonetics.VOWELS_HZ[vowel]
    )
    lowest_st, highest_st = 12 * np.log2(np.array(_F0_BOUNDS_HZ) / speaker.f0_hz)
    semitones = np.array(
        [phonetics.draw_normal(rng, *x, lowest_st, highest_st) for x in (_START_ST, _END_ST)]
    )
    f0_hz = speaker.f0_hz * 2 ** (semitones / 12)
    durations_s = [
        phonetics.draw_lognormal(rng, *bounds)
        for bounds in (_S_S, _CLOSURE_S[with_s], _VOT_S[with_s, stop], _VOWEL_S)
    ]
    vowel_db, s_below_db, burst_below_db = (
        rng.normal(*x) for x in (_LEVEL_DB, _S_BELOW_DB, _BURST_BELOW_DB)
    )
    levels_db = (vowel_db, vowel_db - s_below_db, vowel_db - burst_below_db)
    return Token(
        speaker, with_s, stop, vowel, formants_hz, tuple(f0_hz), *durations_s, *levels_db
    )  # fmt: skip


def make_clip(index: int, corpus: Corpus) -> Clip:
    """Synthesises a token.

    Args:
        index: Its number, from 0; with the corpus it determines everything.
        corpus: What it is drawn from.

    Returns:
        A clip from the start of [s] or closure to the end of the vowel, named ``sTV_000000`` or
        ``TV_000000`` with its number.
    """
    rng = np.random.default_rng([corpus.seed, 1, index])
    token = draw(rng, corpus.speakers, corpus.s_share)
    segments = _segments(token)
    spoken = phonetics.phones(segments)
    contour = list(zip((spoken[-1].start_s, spoken[-1].end_s), token.f0_hz, strict=True))
    samples = vocal_tract.speak(segments, contour, token.vowel_db, token.speaker.scale, rng)
    samples, quieter_db = vocal_tract.fit(samples)
    pattern = "sTV" if token.with_s else "TV"
    row = _row(token, spoken, quieter_db) | {"pattern": f"#{pattern}"}
    return Clip(f"{pattern}_{index:06d}", samples, SAMPLE_RATE_HZ, [phonetics.tier(segments)], row)


def _segments(token):
    stop, vowel_hz, vot_s = token.stop, token.formants_hz, token.vot_s
    burst = phonetics.release(stop, phonetics.PLACES[stop], vowel_hz, vot_s, token.burst_db)
    segments = [Segment(f"{stop}cl", token.closure_s), burst]
    if token.with_s:
        noise = phonetics.sibilant(token.speaker.s_pole_hz)
        segments.insert(0, Segment("s", token.s_s, noise=noise, noise_db=token.s_db))
    still_s = max(0.0, phonetics.TRANSITION_S - vot_s)
    reached_hz = burst.formants_hz[1]
    return segments + phonetics.vowel(token.vowel, vowel_hz, token.vowel_s, reached_hz, still_s)


def _row(token, spoken, quieter_db):
    """The manifest's columns but for the pattern; durations in whole samples."""
    speaker, (start_hz, end_hz), missing = token.speaker, token.f0_hz, float("nan")
    spans_s = phonetics.durations_s(spoken)
    s_cog_hz = vocal_tract.centre_of_gravity(phonetics.sibilant(speaker.s_pole_hz))
    return {
        "phones": " ".join(phone.label for phone in spoken),
        "speaker": speaker.name,
        "sex": speaker.sex,
        "scale": speaker.scale,
        "place": phonetics.PLACES[token.stop],
        "vowel": token.vowel,
        "f0_start_hz": start_hz,
        "f0_end_hz": end_hz,
        "f0_mean_hz": _mean_hz(start_hz, end_hz),
        **{f"f{i}_hz": f_hz * speaker.scale for i, f_hz in enumerate(token.formants_hz, 1)},
        "s_s": spans_s[0] if token.with_s else missing,
        "s_cog_hz": s_cog_hz if token.with_s else missing,
        "closure_s": spans_s[-3],
        "vot_s": spans_s[-2],
        "vowel_s": spans_s[-1],
        "vowel_level_db": token.vowel_db + quieter_db,
        "s_level_db": token.s_db + quieter_db if token.with_s else missing,
        "burst_level_db": token.burst_db + quieter_db,
    }


def _mean_hz(start_hz, end_hz):
    """The mean over time of an F0 that moves evenly in semitones."""
    return start_hz if start_hz == end_hz else (start_hz - end_hz) / np.log(start_hz / end_hz)
