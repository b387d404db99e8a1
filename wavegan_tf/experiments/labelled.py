"""Sounds as their spectra, one at a time; and the words that a classifier takes them for.

The classifier learns from a folder of recordings whose paths say which word they are of, and by
whom. What it says of outputs counts only where it names words of recordings that it never heard.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.data.recordings import word_of
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import Recordings
from wavegan_tf.experiments.recognise import read_speakers
from wavegan_tf.experiments.result import Result
from wavegan_tf.experiments.stages import code_conditions
from wavegan_tf.latents import apply_settings
from wavegan_tf.model import Model, batches
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import text
from wavegan_tf.paths import expand
from wavegan_tf.progress import progress
from wavegan_tf.speech.spectra import (
    BANDS,
    COEFFICIENTS,
    FRAMES,
    POINTS,
    high_frames,
    log_mel,
    mfcc,
)
from wavegan_tf.stats import naming
from wavegan_tf.stats.compared import OUTPUTS
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.factorial import code_shares, code_tests
from wavegan_tf.stats.health import shapes
from wavegan_tf.stats.recognition import ABOVE
from wavegan_tf.stats.resampling import StatisticsSettings

WORD = r"(?:^|/)([^/]+(?=/[^/]*$)|[^/_.]+(?=[^/]*$))"
"""Without --word: the folder that a recording is in, else its name up to its first _ or dot."""

SPEAKER = r"^[^/_]+_([^/_]+)_[^/]+$"
"""Without --speaker: what stands between the first two _ of a recording that is in no folder."""

LEAST_RECORDINGS = 20


@dataclass(frozen=True)
class Labels:
    """Which recordings a classifier learns from, and how they are labelled."""

    classifier: str | None = option(
        None,
        "Folder of labelled recordings that a word classifier learns from, or the classifier.npz "
        "of an earlier run.",
        path=True,
    )
    word: str | None = option(
        None,
        "Regular expression whose group is the word in a path below --classifier. Without the "
        "flag, the word is the name of the recording's folder or, if it is in no folder of its "
        "own, its file name up to the first _ or dot.",
    )
    speaker: str | None = option(
        None,
        "Regular expression whose group is the speaker in a path below --classifier. Without the "
        "flag, the speaker is the text between the first two _ in names such as 7_jackson_3.wav.",
    )


class Sounds(NamedTuple):
    """What is kept of sounds, a row each.

    Attributes:
        names: Of recordings, their paths below the folder; of outputs, their numbers.
        mel: Of :func:`log_mel` [sounds, frames, bands].
        shape: Of :func:`shapes` [sounds, numbers].
        high: Of :func:`high_frames` [sounds, frames].
    """

    names: np.ndarray
    mel: np.ndarray
    shape: np.ndarray
    high: np.ndarray


class Ears:
    """Keeps what is heard of one sound after the other."""

    def __init__(self, rate_hz: float, above_hz: float, share: float):
        """Says above which frequency how much of the energy of [s] lies."""
        self.rate_hz, self.above_hz, self.share = rate_hz, above_hz, share
        self.rows: list[tuple] = []

    def hear(self, name: Any, sound: np.ndarray) -> None:
        """Takes a sound ``[time, channels]``; its first channel counts, but for its shape."""
        sound = np.nan_to_num(sound, posinf=0.0, neginf=0.0)
        high = high_frames(sound[:, 0], self.rate_hz, self.above_hz, self.share)
        shape = shapes(sound[np.newaxis])[0].astype(np.float32)
        self.rows.append((name, log_mel(sound[:, 0], self.rate_hz), shape, high))

    def heard(self) -> Sounds:
        """Gives all that was heard."""
        return Sounds(*(np.array(each) for each in zip(*self.rows, strict=True)))

    def read(self, found: Recordings, flag: str, label: str) -> Sounds:
        """Hears recordings, as training with --data_first_slice does; what is unreadable is not.

        Raises:
            InputError: Fewer than 20 can be read.
        """
        for i in progress(range(len(found)), len(found), label):
            samples, about = found.read(i)
            if not about.get("problem"):
                self.hear(found.paths[i], samples)
        if len(self.rows) < LEAST_RECORDINGS:
            raise InputError(
                f"{flag}={found.wav_dir}: {len(self.rows)} of {len(found)} recordings can be read; "
                f"give a folder with {LEAST_RECORDINGS} or more"
            )
        return self.heard()


class Learned(NamedTuple):
    """A classifier, and how well it does on what it never heard: the rows of ``hold_out``."""

    classifier: naming.Classifier
    held: pd.DataFrame


def _made_for(config: ModelConfig) -> np.ndarray:
    """Gives what sounds must share with those that a classifier learned from."""
    sizes = (config.sample_rate, config.slice_len, FRAMES, BANDS, COEFFICIENTS, POINTS)
    return np.array(sizes, np.float64)


def to_arrays(learned: Learned, config: ModelConfig) -> dict[str, np.ndarray]:
    """Makes the arrays of ``classifier.npz``, from which :func:`read_classifier` makes it again."""
    held = {f"held_{name}": column.to_numpy() for name, column in learned.held.items()}
    texts = {name: x.astype(str) for name, x in held.items() if x.dtype == object}
    return {"made_for": _made_for(config), **learned.classifier._asdict(), **held, **texts}


def read_classifier(path: str, config: ModelConfig) -> Learned:
    """Reads ``classifier.npz`` of a run with ``--classifier``.

    Raises:
        InputError: The file is missing or no classifier, or is for sounds of another rate or length
            than the model's.
    """
    try:
        with np.load(expand(path)) as file:
            arrays = dict(file)
        made_for = arrays["made_for"]
        classifier = naming.Classifier(*(arrays[name] for name in naming.Classifier._fields))
        held = {name[5:]: x for name, x in arrays.items() if name.startswith("held_")}
        table = pd.DataFrame(held).astype({"heard": object, "verdict": object})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"--classifier={path}: is not a classifier.npz of evaluate ({error}); give one, or a "
            "folder of labelled recordings"
        ) from None
    if not np.array_equal(made_for, _made_for(config)):
        rate_hz, length = made_for[:2]
        raise InputError(
            f"--classifier={path}: learned sounds of {length:g} samples at {rate_hz:g} Hz, but the "
            f"model makes {config.slice_len} at {config.sample_rate}; give a folder of recordings"
        )
    return Learned(classifier, table)


def find_classifier(
    options: Labels, config: ModelConfig, ears: Ears, settings: StatisticsSettings
) -> Learned:
    """Reads the classifier of ``--classifier``, or lets one learn from the recordings there.

    Words with fewer recordings than ``min_outputs`` are left out.

    Raises:
        InputError: The file is none, there are no two words, or not every recording has a speaker.
    """
    folder, least = str(options.classifier), settings.min_outputs
    if folder.endswith(".npz"):
        return read_classifier(folder, config)
    found = Recordings(folder, config, options.word or WORD, flag="--classifier")
    labels = pd.DataFrame({"word": found.words}, index=found.paths)
    speakers = read_speakers(options.speaker, found) if options.speaker else None
    if speakers is None:
        speakers = np.array([word_of(path, SPEAKER) for path in found.paths])
        by_speaker = labels["word"].groupby(speakers).nunique()
        if "" in speakers or len(by_speaker) < 2 or by_speaker.min() < 2:
            speakers = None  # what the names hold is no speaker
    if speakers is not None:
        labels["speaker"] = speakers
    heard = ears.read(found, "--classifier", f"{len(found)} labelled recordings")
    labels = labels.loc[heard.names]
    many = labels.groupby("word")["word"].transform("size").ge(least) & labels["word"].ne("")
    if labels.loc[many, "word"].nunique() < 2:
        known = ", ".join(sorted(set(labels["word"]) - {""})[:20]) or "none"
        raise InputError(
            f"--classifier={folder}: words are {known}; two with {least} recordings or more must "
            "be told apart; give --word, whose group is the word in a path"
        )
    features = np.stack([mfcc(mel) for mel in heard.mel[many]])
    columns = labels[many].astype(str)
    of = columns["speaker"].to_numpy(str) if "speaker" in columns else None
    return learn(features, columns["word"].to_numpy(str), of, settings)


def learn(
    features: np.ndarray,
    words: np.ndarray,
    speakers: np.ndarray | None,
    settings: StatisticsSettings,
) -> Learned:
    """Lets a classifier learn; arguments as those of :func:`~wavegan_tf.stats.naming.hold_out`."""
    held = naming.hold_out(features, words, speakers, settings)
    return Learned(naming.learn_words(features, words), held)


def words_of_codes(
    model: Model,
    classifier: str,
    n: int,
    value: float = 1.0,
    seed: int = 0,
    settings: StatisticsSettings | None = None,
) -> dict[str, pd.DataFrame]:
    """Makes outputs of every code, and says which words they are taken for; no recording is needed.

    Args:
        model: With a code.
        classifier: The file ``classifier.npz`` of a run of evaluate, with or without the model.
        n: Number of outputs of each code; all have latent vectors of their own.
        value: What codes are set to: of a ciwGAN one variable, of a fiwGAN the bits that are 1.
        seed: Of the latent vectors.
        settings: Confidence and resamples.

    Returns:
        ``classifier`` (how well it does, as it was measured when it learned), ``recognised`` (the
        share of each code's outputs taken for each word, with Wilson's interval) and ``codes`` (the
        word of most outputs of each code; ``verdict`` is ``differs`` where its words are not those
        of the other codes). The first alone where the classifier is not above chance.

    Raises:
        InputError: The model has no code, or the file is no classifier for it.
    """
    config = model.config
    learned, conditions = read_classifier(classifier, config), code_conditions(config, [value])
    if not conditions:
        raise InputError(f"{model.file.prefix}: this model has no code; give a ciwGAN or a fiwGAN")
    z = model.sample(n * len(conditions), seed)
    for k, condition in enumerate(conditions):
        own = slice(k, None, len(conditions))
        z[own] = apply_settings(z[own], condition.settings, config)
    made = (sound for x in batches(z) for sound in model.run("generator", x)["out"])
    sounds = (sound for sound, _ in zip(made, z, strict=False))
    mel = [
        log_mel(sound[:, 0], config.sample_rate) for sound in progress(sounds, len(z), "outputs")
    ]
    codes = np.array([str(condition.about["code"]) for condition in conditions] * n)
    return name_outputs(learned, np.stack(mel), codes, seed, settings or StatisticsSettings())


def name_outputs(
    learned: Learned, mel: np.ndarray, codes: np.ndarray, seed: int, settings: StatisticsSettings
) -> dict[str, pd.DataFrame]:
    """Says which words outputs are taken for: ``classifier``, ``recognised`` and ``codes``.

    A classifier that is not above chance on what it never heard judges nothing.
    """
    words, sure = naming.name_words(learned.classifier, np.stack([mfcc(x) for x in mel]))
    row = {"heard": OUTPUTS, "n": len(words), **naming.sureness(sure, settings)}
    found = {"classifier": pd.concat([learned.held, pd.DataFrame([row])], ignore_index=True)}
    if (learned.held["verdict"] != ABOVE).any():
        return found
    named = pd.DataFrame({"code": codes, "value": 1})
    named["label"] = pd.Categorical(words, learned.classifier.words)
    named = named.sort_values("code", key=lambda x: x.str.zfill(5), kind="stable")
    shares = code_shares(named, settings).drop(columns="value").rename(columns={"label": "word"})
    found["recognised"] = shares
    if len(set(codes)) > 1:
        tests = code_tests(named.astype({"label": str}), seed, settings).set_index("code")
        most = shares.loc[shares.groupby("code", sort=False)["estimate"].idxmax()]
        tests = tests[["p", "p_holm", "verdict"]]
        found["codes"] = most.set_index("code").join(tests).reset_index()
    return found


ABOUT_WORDS = (
    "A classifier (logistic regression of cepstra) learned {n_words} words from {n} recordings. "
    "Right: share of held-out recordings whose word it names (Wilson's interval). Chance: share of "
    "the most common word; p: of a test that exchanges words within speakers. Confidence: mean "
    "probability of the word that it names."
)
ABOUT_CODES = (
    "The word that most outputs of a code are taken for, and its share. p: of the test that the "
    "words of the code are those of the other codes together (chi-squared, or 9,999 random "
    "tables), after Holm's correction over codes. The table `recognised` has the shares of all "
    "words."
)
ENDS = ("estimate", "low", "high")
CONFIDENCE = ("confidence", "confidence_low", "confidence_high")


def with_ends(row: Any, write: Callable[[float], str], names: tuple[str, ...] = ENDS) -> str:
    """Writes the estimate of a row with its interval."""
    estimate, low, high = (row[name] for name in names)
    return text.with_interval(estimate, low, high, write)


def sentences(result: Result) -> list[str]:
    """Says how good the classifier is, and which codes have words of their own."""
    found = []
    for x in result.table("classifier").iloc[:-1].to_dict("records"):
        poor = "" if x["verdict"] == ABOVE else ", not above chance: it says nothing of outputs"
        found.append(
            f"The classifier names {with_ends(x, text.percent)} of {x['n']:g} {x['heard']} (chance "
            f"{text.percent(x['chance'])}){poor}."
        )
    codes = result.table("codes")
    if len(codes):
        shown = codes[codes["verdict"] == DIFFERS].to_dict("records")
        listed = [f"{x['code']} {x['word']} ({text.percent(x['estimate'])})" for x in shown]
        found.append(
            f"Codes whose words differ from those of the other codes: {len(shown)} of {len(codes)}"
            f"{': ' * bool(listed)}{', '.join(listed)}."
        )
    return found


def section(result: Result) -> list[str]:
    """Writes the sections of a summary on words, if there is a classifier."""
    held, parts = result.table("classifier"), list[str]()
    if len(held):
        titles = ["heard", "right", "chance", "p", "confidence", "n", "verdict"]
        learned = {name: int(held[name].iloc[0]) for name in ("n", "n_words")}
        parts += ["## Words", ABOUT_WORDS.format(**learned), write(result, "classifier", titles)]
    if len(result.table("codes")):
        titles = ["code", "word", "share", "p", "verdict", "n"]
        parts += ["## Words by code", ABOUT_CODES, write(result, "codes", titles)]
    return parts


CELLS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("right", "share"), lambda x: with_ends(x, text.percent)),
    "chance": lambda x: text.percent(x["chance"]),
    "confidence": lambda x: with_ends(x, text.fixed, CONFIDENCE),
    "p": lambda x: text.p_value(x["p_holm"] if "p_holm" in x else x["p"]),
    "verdict": lambda x: x["verdict"] if isinstance(x["verdict"], str) else "",
}


def write(result: Result, name: str, titles: list[str]) -> str:
    """Writes a table for people."""
    rows = result.table(name).to_dict("records")
    return text.table(
        pd.DataFrame({t: [CELLS[t](x) if t in CELLS else x[t] for x in rows] for t in titles})
    )
