"""The claims of the paper, and of those it builds on, each with the run that decides it."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from wavegan_tf.paper import judges
from wavegan_tf.paper.judges import LAYERS, Finding, encoded
from wavegan_tf.stats.compared import OUTPUTS
from wavegan_tf.stats.stops import BOTH


class Claim(NamedTuple):
    """A claim of a paper.

    Attributes:
        name: Of the claim, and of its figure's file.
        title: What it is about, in a few words.
        paper: Where it stands.
        says: What the paper claims.
        measured: What the paper measured.
        run: The run of :data:`~wavegan_tf.paper.runs.RUNS` that decides it; empty for none.
        figure: The start of the name of that run's figure; empty for none.
        judge: Says what the run's result shows.
    """

    name: str
    title: str
    paper: str
    says: str
    measured: str
    run: str
    figure: str
    judge: Callable[..., Finding]


BZ, B20 = "Beguš & Zhou 2022", "Beguš 2020"
B21, B21W = "Beguš 2021 (TACL)", "Beguš 2021 (Neural Networks)"

CLAIMS = [
    Claim(
        "average", "One series per layer", f"{BZ}, IV, eq. 4",
        "The average over the feature maps of a layer is one series that can be heard and measured "
        "like a recording.",
        "intensity and F0 by Praat in 25 and 30 outputs",
        "probe_reduplication", "layers_0000", judges.averages,
    ),
    Claim(
        "limits", "What a layer can carry", f"{BZ}, IV",
        "A layer carries nothing above half its rate.",
        "Conv4 2048 Hz, Conv3 512 Hz, Conv2 128 Hz, Conv1 31 Hz",
        "probe_reduplication", "spectrograms_0000", judges.nyquist,
    ),
    Claim(
        "intensity_wavegan", "Intensity, WaveGAN", f"{BZ}, IV-A to IV-C",
        "Intensity is encoded at Conv4 and Conv3.",
        "r 0.62 at Conv4, 0.39 at Conv3 (25 outputs; no control)",
        "probe_stv", "intensity",
        partial(encoded, measure="intensity", layers=("conv4", "conv3")),
    ),
    *(
        Claim(
            f"{what}_{corpus}", f"{title}, ciwGAN of {corpus}", f"{BZ}, IV-A to IV-C", says,
            "r 0.82 at Conv4, 0.72 at Conv3, 0.63 at Conv2, 0.44 at Conv1 (30 outputs; no control)",
            f"probe_{corpus}", figure, judge,
        )
        for corpus in ("reduplication", "digits")
        for what, title, says, figure, judge in (
            (
                "intensity", "Intensity", "Intensity is encoded in every layer, from the first on.",
                "intensity", partial(encoded, measure="intensity", layers=LAYERS),
            ),
            (
                "order", "Order of the layers",
                "Intensity is encoded the better, the nearer a layer is to Out.",
                "encoding_voiced", partial(judges.falls, measure="intensity"),
            ),
        )
    ),
    Claim(
        "f0_wavegan", "F0, WaveGAN", f"{BZ}, IV-A to IV-C", "F0 is encoded at Conv4.",
        "r 0.53 at Conv4, too weak to measure at Conv3 (25 outputs; no control)",
        "probe_stv", "f0", partial(encoded, measure="f0", layers=("conv4",)),
    ),
    *(
        Claim(
            f"f0_{corpus}", f"F0, ciwGAN of {corpus}", f"{BZ}, IV-A to IV-C",
            "F0 is encoded at Conv4 and Conv3.",
            "r 0.55 at Conv4, 0.40 at Conv3, 0.10 at Conv2, −0.02 at Conv1 (30 outputs; no "
            "control)",
            f"probe_{corpus}", "f0",
            partial(encoded, measure="f0", layers=("conv4", "conv3")),
        )
        for corpus in ("reduplication", "digits")
    ),
    Claim(
        "duration", "Duration of the vowel", f"{BZ}, IV-A to IV-C",
        "The duration of the vocalic interval in Conv4 follows that in Out.",
        "β 0.96, t 30.31, adjusted R² 0.97 (25 outputs; no control)",
        "probe_stv", "durations_voiced", judges.duration,
    ),
    Claim(
        "f2", "F2, ciwGAN", f"{BZ}, IV-A to IV-C", "F2 is encoded at Conv4.",
        "r 0.40 (30 outputs; no control)",
        "probe_reduplication", "f2", partial(encoded, measure="f2", layers=("conv4",)),
    ),
    Claim(
        "f1", "F1, ciwGAN", f"{BZ}, IV-A to IV-C", "F1 of Conv4 follows that of Out inversely.",
        "r −0.38 (30 outputs; no control)",
        "probe_reduplication", "f1",
        partial(encoded, measure="f1", layers=("conv4",), sign=-1),
    ),
    Claim(
        "s_share", "[s] in outputs and corpus", B20, "[s] is rarer in outputs than in the corpus.",
        "7.13 % of outputs, 9.8 % of the corpus",
        "vot", "", judges.share_of_s,
    ),
    Claim(
        "s_ranked", "Latents of [s], found by regression", f"{B20}; {BZ}, III-B2",
        "Regression finds variables that go with [s].",
        "seven of 100 variables stand out, z11 among them (3,800 outputs, 271 with [s])",
        "identify_s", "ranking", judges.ranked,
    ),
    Claim(
        "s_caused", "Latents of [s], by generation", f"{B20}, proof 1; {BZ}, III-B2",
        "Values far beyond training of one variable make [s] ever more frequent.",
        "z11: at −1 a modest increase, at −15 87 %, at −25 96 % (100 outputs each)",
        "identify_s", "proof", judges.caused,
    ),
    Claim(
        "s_follows", "The share of [s] follows the estimate", f"{B20}, proof 2",
        "The better a variable goes with [s] in the regression, the more [s] it makes when set.",
        "31 variables at ±4.5, 100 outputs each: the share follows the estimate",
        "identify_s", "", judges.follows,
    ),
    Claim(
        "s_fades", "Frication fades along the sweep", f"{B20}, proof 3",
        "The intensity of frication falls steadily, beside that of the vowel, as the variable "
        "leaves its [s] end.",
        "29 sets of 19 outputs from −4.5 to 4.5: intensity and ratio fall steadily",
        "identify_s", "doses", judges.fades,
    ),
    Claim(
        "s_layers", "An extreme latent through the layers", f"{BZ}, IV-D, Figs. 9 and 10",
        "An extreme value of the variable changes every layer most where [s] stands.",
        "a few spikes in Conv1, then noise where [s] stands in Conv2 to Conv4, seen in the figures",
        "interpolate_s", "interpolation_", judges.placed,
    ),
    Claim(
        "maps_stable", "Feature maps that change least", f"{BZ}, IV-E, Fig. 13",
        "Some feature maps of Conv4 hardly change while the variable of [s] moves.",
        "four maps with the smallest cosine distances",
        "feature_maps_s", "stable", judges.stable,
    ),
    Claim(
        "maps_clusters", "Two clusters of feature maps", f"{BZ}, IV-E, Figs. 11 and 12",
        "The activation profiles of Conv4's feature maps form two groups.",
        "spectral clustering, k = 2 (1,000 outputs)",
        "feature_maps_s", "profiles", judges.clusters,
    ),
    Claim(
        "vot_shorter", "Voice onset time after [s]", B20,
        "Voice onset time is shorter after [s] in outputs, as in English.",
        "22.52 ms shorter, ratio 1.59 (corpus: 32.35 ms, 2.34)",
        "vot", "vot", partial(judges.vot, source=OUTPUTS, sign=1),
    ),
    Claim(
        "vot_less", "The difference in outputs and corpus", B20,
        "The difference of voice onset time is smaller in outputs than in the corpus.",
        "22.52 ms against 32.35 ms",
        "vot", "", partial(judges.vot, source=BOTH, sign=-1),
    ),
    Claim(
        "words", "Codes say words", B21W,
        "Each code says a word of its own, in most of its outputs.",
        "100 outputs per code, set to 2: the best code says its word in 98",
        "words", "", judges.words,
    ),
    Claim(
        "code_words", "Codes differ in words", B21W, "The words of outputs depend on the code.",
        "multinomial regression of the word on the code",
        "words", "", judges.code_words,
    ),
    Claim(
        "codes", "Codes of reduplication", B21, "The two codes differ in reduplication.",
        "code [1, 0] 22 %, code [0, 1] 60 % reduplicated (Fisher's exact test)",
        "identify_codes", "codes", partial(judges.codes, level=1.0),
    ),
    Claim(
        "codes_far", "Codes beyond training", f"{B21}; {BZ}, III-B2",
        "Beyond training, at 5, the codes differ more, almost wholly.",
        "code [5, 0] 2 %, code [0, 5] 87 % reduplicated",
        "identify_codes", "", partial(judges.codes, level=5.0),
    ),
    Claim(
        "code_interpolated", "Reduplication along the code", B21,
        "Reduplicated words become fewer, step by step, as their code falls from 1.5 to 0.",
        "the code from 1.5 to 0 in steps of 0.125",
        "cdev_code", "cdev_", judges.interpolated,
    ),
    Claim(
        "last_syllable", "The end of the word leaves every layer", f"{BZ}, IV-D",
        "Without reduplication every layer is weaker at the end of the word, from Conv1 on.",
        "the last syllable leaves every layer while c2 goes from 0 to 2, seen in the figures",
        "contours_codes", "contours", judges.last_syllable,
    ),
]  # fmt: skip
"""In the order of the page."""
