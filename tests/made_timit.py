"""A tree as TIMIT's, of synthesised sentences with the corpus's quirks."""

import functools
from typing import NamedTuple

import numpy as np
from scipy.io import wavfile

from wavegan_tf.corpora import phonetics, vocal_tract
from wavegan_tf.corpora.clips import to_pcm16
from wavegan_tf.corpora.vocal_tract import Segment

RATE_HZ = 16000


class Made(NamedTuple):
    """A sentence: phones and their lengths in samples; words, their first and last phones."""

    phones: tuple[tuple[str, int], ...]
    words: list[tuple[str, int, int]]

    def edges(self):
        """The sample at which each phone starts, and the last one's end."""
        return [0, *np.cumsum([length for _, length in self.phones]).tolist()]

    def span(self, first, last):
        """The samples of phones ``first`` .. ``last``."""
        edges = self.edges()
        return edges[first], edges[last + 1]

    def text(self, kind):
        """What stands in .PHN or .WRD."""
        rows = [(label, i, i) for i, (label, _) in enumerate(self.phones)]
        spans = [(*self.span(a, b), x) for x, a, b in (rows if kind == "PHN" else self.words)]
        return "".join(f"{start} {end} {label}\n" for start, end, label in spans)

    def samples(self, number):
        """The sentence said, int16 [time]; the noise under it is no two sentences' alike."""
        return said(self.phones, number)


@functools.cache
def said(phones, number):
    segments = [segment_of(label, length / RATE_HZ) for label, length in phones]
    rng = np.random.default_rng(number)
    return to_pcm16(vocal_tract.speak(segments, [(0.0, 130.0)], -20.0, 1.0, rng))


def segment_of(label, duration_s):
    if label in ("h#", "pau", "epi", "q") or label.endswith("cl"):
        return Segment(label, duration_s)
    if label in "ptkbdg":
        noise = phonetics.BURSTS[phonetics.PLACES[label]]
        return Segment(label, duration_s, noise=noise, noise_db=-30.0)
    if label in ("s", "sh", "ch", "jh"):
        return Segment(label, duration_s, noise=phonetics.sibilant(4700), noise_db=-30.0)
    hz = phonetics.VOWELS_HZ.get(label, phonetics.VOWELS_HZ["ah"])
    return Segment(label, duration_s, (hz, hz), 0.0, phonetics.BREATH_DB)


def make(phones, words):
    """A sentence of ``tcl 160 t 240 ..`` and ``take 1 2 ..``."""
    phones, words = phones.split(), words.split()
    lengths, first, last = (map(int, x) for x in (phones[1::2], words[1::3], words[2::3]))
    pairs = tuple(zip(phones[::2], lengths, strict=True))
    return Made(pairs, list(zip(words[::3], first, last, strict=True)))


SENTENCES = {
    # take speed (a pause) come: the k after the pause has no closure
    "TRAIN/DR1/FCJF0/SX37": make(
        "h# 500 tcl 160 t 240 ey 800 kcl 200 k 120 s 600 pcl 150 p 90 iy 700 dcl 100 d 50 pau 300 "
        "k 200 ah 500 m 300 h# 400",
        "take 1 5 speed 6 11 come 13 15",
    ),
    # good time: one closure for both stops; had to: it is shared; chip; cat with q; pat without
    # release; to a, of one phone each
    "TRAIN/DR2/MABC0/SI5": make(
        "h# 300 gcl 80 g 60 uh 310 dcl 120 t 200 ay 510 m 190 hv 100 ae 400 dcl 70 t 90 ux 330 tcl "
        "110 ch 220 ih 250 pcl 60 kcl 130 k 140 q 75 ae 345 tcl 85 pcl 65 ae 405 tcl 55 tcl 95 t "
        "105 ax 180 h# 210",
        "good 1 4 time 5 7 had 8 10 to 10 12 chip 13 16 cat 17 21 pat 22 24 to 25 26 a 27 27",
    ),
    # she had your dark suit .. wash water: had and your share jh, epi before water
    "TEST/DR3/FDEF1/SA1": make(
        "h# 400 sh 300 iy 200 hv 150 eh 250 dcl 60 jh 130 ih 140 axr 210 dcl 90 d 40 aa 420 r 100 "
        "kcl 120 k 80 s 410 ux 430 tcl 70 w 200 ao 400 sh 330 epi 50 w 220 ao 380 dx 45 axr 260 "
        "h# 350",
        "she 1 2 had 3 6 your 6 8 dark 9 14 suit 15 17 wash 18 20 water 22 25",
    ),
    # to carry water; paw is longer than a slice
    "TEST/DR3/FDEF1/SA2": make(
        "h# 350 tcl 140 t 160 ux 220 kcl 170 k 230 ae 440 r 110 iy 205 w 215 ao 365 dx 35 axr 255 "
        "pcl 125 p 135 ao 17000 h# 145",
        "to 1 3 carry 4 8 water 9 12 paw 13 15",
    ),
}


def sphere(samples):
    """A NIST SPHERE file as TIMIT's are."""
    lines = [
        "NIST_1A", "   1024", "database_id -s5 TIMIT", "database_version -s3 1.0",
        "utterance_id -s8 cjf0_sa1", "channel_count -i 1", f"sample_count -i {len(samples)}",
        f"sample_rate -i {RATE_HZ}", f"sample_min -i {samples.min()}",
        f"sample_max -i {samples.max()}", "sample_n_bytes -i 2", "sample_byte_format -s2 01",
        "sample_sig_bits -i 16", "end_head", "",
    ]  # fmt: skip
    return "\n".join(lines).encode().ljust(1024, b" ") + samples.astype("<i2").tobytes()


def make_tree(folder, upper=True, riff=False):
    """Writes a tree into a folder, its names in upper or lower case, its audio SPHERE or RIFF."""
    for number, (name, made) in enumerate(SENTENCES.items()):
        cased = str.upper if upper else str.lower
        stem = folder / cased(name)
        stem.parent.mkdir(parents=True, exist_ok=True)
        for kind in ("PHN", "WRD"):
            stem.with_suffix(cased(f".{kind}")).write_text(made.text(kind))
        audio, samples = stem.with_suffix(cased(".WAV")), made.samples(number)
        if riff:
            wavfile.write(audio, RATE_HZ, samples)
        else:
            audio.write_bytes(sphere(samples))
    return folder
