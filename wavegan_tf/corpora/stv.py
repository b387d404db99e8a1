"""#TV and #sTV: word-initial voiceless stop and vowel, with and without [s] before, synthesised.

After the cuts from TIMIT that Beguš (2020, Frontiers in AI 3:44) trained on: 4,930 #TV and 533
#sTV; VOT longer by 32.35 ms in #TV, 2.34 times that of #sTV, where it never exceeds 65 ms; shortest
closure 9.2 ms, shortest VOT 9.4 ms. The distributions are the constants below.
"""

from typing import NamedTuple

import numpy as np

from wavegan_tf.corpora import phonetics, vocal_tract
from wavegan_tf.corpora.clips import Clip
from wavegan_tf.corpora.vocal_tract import Formants, Segment
from wavegan_tf.speech.textgrids import Tier

NUM_CLIPS, NUM_SPEAKERS = 5463, 20
S_SHARE = 533 / NUM_CLIPS  # share of #sTV in the paper's data

# Lognormal durations: (mean, standard deviation / mean, least, largest), s. VOT, the shortest
# closure and the shares are the paper's; all else is chosen, within what is usual in English.
_S_S = (0.105, 0.22, 0.050, 0.220)
_CLOSURE_S = {False: (0.060, 0.35, 0.0092, 0.130), True: (0.045, 0.35, 0.0092, 0.100)}
_VOT_MEAN_S = {  # by whether [s] precedes; all 56.5 and 24.1 ms, 32.35 ms and 2.34 apart
    False: {"p": 0.0475, "t": 0.0570, "k": 0.0650},
    True: {"p": 0.0175, "t": 0.0235, "k": 0.0310},
}
_VOT_BOUNDS_S = {False: (0.30, 0.0094, 0.150), True: (0.30, 0.0094, 0.065)}
_VOWEL_S = (0.150, 0.30, 0.060, 0.350)

_SPEAKER_F0_HZ = {"M": (125, 15, 90, 250), "F": (205, 20, 90, 250)}  # mean, SD, bounds
_SPEAKER_SCALE_SD = 0.04
_START_ST, _END_ST = (2.0, 1.0), (-2.0, 1.5)  # the contour, semitones from the speaker's F0
_F0_BOUNDS_HZ = (75, 280)  # of both ends
_VOWEL_SPREAD = 0.03  # standard deviation of each formant, share of it, token to token
_LEVEL_DB = (-20, 2)  # of the vowel: RMS, dB re full scale; mean, standard deviation
_S_BELOW_SD_DB, _BURST_BELOW_DB = 2, (9, 2)  # below the vowel, dB
_S_POLE_HZ = (4700, 250)  # of an average man's [s]; grows with the root of a speaker's scale


class Speaker(NamedTuple):
    """Who speaks."""

    name: str
    sex: str
    f0_hz: float
    scale: float  # of formants, 1 an average man's
    s_pole_hz: float


class Corpus(NamedTuple):
    """What tokens are drawn from."""

    seed: int
    speakers: list[Speaker]
    s_share: float = S_SHARE  # probability of [s], 0 .. 1
    s_below_db: float = phonetics.S_BELOW_DB  # how far [s] is below the vowel, the mean


class Token(NamedTuple):
    """What is drawn of a token before it is said; levels are RMS, dB re full scale."""

    speaker: Speaker
    with_s: bool
    stop: str
    vowel: str
    formants_hz: Formants  # that the vowel holds, of an average man
    f0_hz: tuple[float, float]  # at the start and the end of the vowel
    s_s: float  # drawn and not used without [s]
    closure_s: float
    vot_s: float
    vowel_s: float
    vowel_db: float
    s_db: float
    burst_db: float


def draw_speakers(num: int, seed: int) -> list[Speaker]:
    """Draws speakers, men and women by turns; the first ones do not depend on their number."""
    speakers = []
    for i in range(num):
        rng, sex = np.random.default_rng([seed, 0, i]), "MF"[i % 2]
        mean = phonetics.WOMEN_SCALE if sex == "F" else 1.0
        scale = mean * (1 + _SPEAKER_SCALE_SD * rng.standard_normal())
        f0_hz = phonetics.draw_normal(rng, *_SPEAKER_F0_HZ[sex])
        s_pole_hz = float(rng.normal(*_S_POLE_HZ) * np.sqrt(scale))
        speakers.append(Speaker(f"{sex.lower()}{i + 1:03d}", sex, f0_hz, float(scale), s_pole_hz))
    return speakers


def draw(rng: np.random.Generator, corpus: Corpus) -> Token:
    """Draws a token; speakers, stops and vowels are equally probable, [s] has ``s_share``."""
    with_s = bool(rng.random() < corpus.s_share)
    speaker = corpus.speakers[rng.integers(len(corpus.speakers))]
    stop = "ptk"[rng.integers(3)]
    vowel = list(phonetics.VOWELS_HZ)[rng.integers(len(phonetics.VOWELS_HZ))]
    formants_hz = phonetics.draw_formants(vowel, _VOWEL_SPREAD, rng)
    bounds_st = 12 * np.log2(np.array(_F0_BOUNDS_HZ) / speaker.f0_hz)
    ends_st = [phonetics.draw_normal(rng, *x, *bounds_st) for x in (_START_ST, _END_ST)]
    start_hz, end_hz = speaker.f0_hz * 2 ** (np.array(ends_st) / 12)
    vot_s = _VOT_MEAN_S[with_s][stop], *_VOT_BOUNDS_S[with_s]
    drawn = (_S_S, _CLOSURE_S[with_s], vot_s, _VOWEL_S)
    durations_s = [phonetics.draw_lognormal(rng, *bounds) for bounds in drawn]
    vowel_db = rng.normal(*_LEVEL_DB)
    below_db = (corpus.s_below_db, _S_BELOW_SD_DB), _BURST_BELOW_DB
    levels_db = [vowel_db, *(vowel_db - rng.normal(*x) for x in below_db)]
    kind = (speaker, with_s, stop, vowel, formants_hz, (start_hz, end_hz))
    return Token(*kind, *durations_s, *levels_db)


def make_clip(index: int, corpus: Corpus) -> Clip:
    """Synthesises a token from the start of [s] or closure to the end of the vowel.

    Its number, from 0, and the corpus determine everything. Its row is what was intended: ``scale``
    of formants, 1 an average man's; ``f0_mean_hz`` over the vowel's time; ``f1_hz`` .. what the
    vowel reaches, after a third of it at the latest; ``s_cog_hz`` 0 to 8 kHz; levels RMS, dB re
    full scale, that of the burst over its 10 ms. NaN: without [s].
    """
    rng = np.random.default_rng([corpus.seed, 1, index])
    token = draw(rng, corpus)
    speaker, segments, (start_hz, end_hz) = token.speaker, _segments(token), token.f0_hz
    spoken = phonetics.phones(segments)
    contour_hz = list(zip(spoken[-1][1:], token.f0_hz, strict=True))
    samples = vocal_tract.speak(segments, contour_hz, token.vowel_db, speaker.scale, rng)
    samples, quieter_db = vocal_tract.fit(samples)
    kind = "sTV" if token.with_s else "TV"
    *before_s, closure_s, vot_s, vowel_s = phonetics.durations_s(spoken)
    missing = float("nan")
    s_cog_hz = vocal_tract.centre_of_gravity(phonetics.sibilant(speaker.s_pole_hz))
    row = {
        "pattern": f"#{kind}",
        "phones": " ".join(phone.label for phone in spoken),
        "speaker": speaker.name,
        "sex": speaker.sex,
        "scale": speaker.scale,
        "place": phonetics.PLACES[token.stop],
        "vowel": token.vowel,
        "f0_start_hz": start_hz,
        "f0_end_hz": end_hz,
        # of an F0 that moves evenly in semitones, over time
        "f0_mean_hz": (start_hz - end_hz) / np.log(start_hz / end_hz),
        **{f"f{i}_hz": f_hz * speaker.scale for i, f_hz in enumerate(token.formants_hz, 1)},
        "s_s": before_s[0] if token.with_s else missing,
        "s_cog_hz": s_cog_hz if token.with_s else missing,
        "closure_s": closure_s,
        "vot_s": vot_s,
        "vowel_s": vowel_s,
        "vowel_level_db": token.vowel_db + quieter_db,
        "s_level_db": token.s_db + quieter_db if token.with_s else missing,
        "burst_level_db": token.burst_db + quieter_db,
    }
    return Clip(f"{kind}_{index:06d}", samples, [Tier("phones", spoken)], row)


def _segments(token: Token) -> list[Segment]:
    stop, vowel_hz, vot_s = token.stop, token.formants_hz, token.vot_s
    burst = phonetics.release(stop, vowel_hz, vot_s, token.burst_db)
    segments = [Segment(f"{stop}cl", token.closure_s), burst]
    if token.with_s:
        noise = phonetics.sibilant(token.speaker.s_pole_hz)
        segments.insert(0, Segment("s", token.s_s, noise=noise, noise_db=token.s_db))
    still_s = max(0.0, phonetics.TRANSITION_S - vot_s)
    reached_hz = burst.formants_hz[1]
    return segments + phonetics.vowel(token.vowel, vowel_hz, token.vowel_s, reached_hz, still_s)
