"""Does the Q-network recognise words in recordings, and which layer tells them apart?

Q has learned to read the code off generated sounds. On recordings it answers with a code too: codes
are assigned to words on a part of the recordings, and its answers are counted on the rest (Beguš &
Zhou 2022, ICASSP, arXiv 2110.02375; words that it never heard: arXiv 2203.11476). Each layer's
average over its feature maps is asked the same by a linear classifier. Networks with random weights
answer beside it, for they tell words apart as well as their sounds differ. Of a recording only its
answer and short curves are kept.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from wavegan_tf.data.recordings import word_of
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import (
    Measuring,
    Recordings,
    layers_of,
    make_network,
    take_outputs,
)
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import latent_names
from wavegan_tf.model import Model, layers_table
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title
from wavegan_tf.progress import progress
from wavegan_tf.stats import recognition as stats
from wavegan_tf.stats.curves import segment_means
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "recognise"
NUM_POINTS = 64
NONE = "none"  # of the codes
SEEN, UNSEEN, FEW = "seen", "unseen", "too few"

_log = logging.getLogger("wavegan_tf")


@dataclass(frozen=True)
class Options:
    """Which recordings Q hears, and what they are compared with."""

    wav_dir: str | None = option(
        None, "Folder of recordings for the Q-network to read; sub-folders included.", path=True
    )
    word: str | None = option(
        None,
        "Regular expression whose group is the word in a recording's path. Without the flag, the "
        "word is the file name up to its first _ or dot.",
    )
    speaker: str | None = option(
        None,
        "Regular expression whose group is the speaker in a recording's path. With it, no speaker "
        "is both learned from and tested on, and words are exchanged within speakers.",
    )
    unseen: str = option(
        "",
        "Words that the Q-network never heard in training, such as dog,cat; "
        "they are reported separately.",
    )
    layers: str = option("all", "Layers to read words from, for example conv3,conv4.")
    controls: int = option(
        20,
        "Number of random networks to compare with. With fewer there are more false verdicts.",
        low=0,
    )
    n_permutations: int = option(
        999, "Number of times that words are permuted.", group="Statistics", low=99, high=1e6
    )
    jobs: int | None = option(
        None,
        "Number of processes that draw figures; all cores if not given.",
        group="Output",
        low=1,
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)

    @property
    def apart(self) -> list[str]:
        """The words of ``unseen``."""
        return [word.strip() for word in self.unseen.split(",") if word.strip()]


class Heard(NamedTuple):
    """What a network says of recordings.

    Attributes:
        logits: Of each recording [recordings, outputs of Q], NaN of one that cannot be read.
        curves: By layer [recordings, points], of the input its envelope.
        problems: Why each cannot be read.
    """

    logits: np.ndarray
    curves: dict[str, np.ndarray]
    problems: list[str]


def hear(model: Model, recordings: Recordings, layers: str, control: int = 0) -> Heard:
    """Runs Q, or the random network of a number, and keeps its answers and its layers' curves."""
    as_they_are = Measuring(clip=True, layers=layers)  # eq. 4: only sounds are clipped
    network = make_network(model, recordings, as_they_are, "q", control=control)
    rate_hz, slice_len = model.config.sample_rate, model.config.slice_len
    logits: list[np.ndarray] = []
    problems: list[str] = []
    rows: dict[str, list[np.ndarray]] = {layer.name: [] for layer in network.layers}
    span = range(len(recordings))
    label = f"random network {control}" if control else "Q"
    for taken in progress(take_outputs(network, recordings, span), len(span), label):
        problem = taken.output.problem
        share = 1.0 if problem else min(1.0, taken.output.duration_s * rate_hz / slice_len)
        for name, series in taken.series.items():
            if name == network.target:
                series = np.abs(series.reshape(len(series), -1)).mean(axis=1)
            rows[name].append(segment_means(series, 1.0, 0.0, share * len(series), NUM_POINTS))
        logits.append(np.full_like(taken.logits, np.nan) if problem else taken.logits)
        problems.append(problem)
    curves = {name: np.stack(each) for name, each in rows.items()}
    return Heard(np.stack(logits).astype(np.float64), curves, problems)


def read_answers(logits: np.ndarray, config: ModelConfig) -> tuple[np.ndarray, np.ndarray]:
    """Reads the code that Q answers, and how probable it holds it to be, ``[recordings]`` each.

    Of a ciwGAN the code variable of the largest logit, ``c3``; of a fiwGAN the bits, 1 where a
    logit is positive, ``010``. Where Q has an output for none of the codes, the answer is ``none``
    if that is the largest, or of a fiwGAN positive.
    """
    n = config.num_categ
    logits, unknown = logits[:, :n], logits[:, n:]
    if config.model == "ciwgan":
        names = np.array([*latent_names(config)[:n], NONE])
        every = np.concatenate([logits, unknown], axis=1)
        return names[every.argmax(axis=1)], softmax(every, axis=1).max(axis=1)
    codes = np.array(["".join(map(str, row)) for row in (logits > 0).astype(int)])
    certainty = expit(np.abs(logits)).prod(axis=1)
    if unknown.shape[1]:
        none = unknown[:, 0] > 0
        codes = np.where(none, NONE, codes)
        certainty = np.where(none, expit(unknown[:, 0]), certainty * expit(-unknown[:, 0]))
    return codes, certainty


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Lets Q hear recordings and says which words its answers and its layers tell apart.

    Raises:
        InputError: The model has no Q-network, or the options name no words or speakers.
    """
    given, config = options.statistics, model.config
    if options.wav_dir is None:
        raise InputError(f"{NAME}: the Q-network reads recordings; add --wav_dir")
    if model.q is None:
        raise InputError(
            f"{model.file.prefix}: has no Q-network; give the checkpoint of a ciwGAN with --ckpt"
        )
    recordings = Recordings(options.wav_dir, config, options.word)
    _check_words(recordings.words, options)
    speakers = read_speakers(options.speaker, recordings)
    heard = hear(model, recordings, options.layers)
    for note, number in recordings.notes.items():
        _log.info("%d recordings %s", number, note)
    read = np.array([not problem for problem in heard.problems])
    if not read.any():
        raise InputError(f"--wav_dir: none of its recordings can be read; {heard.problems[0]}")
    code, certainty = read_answers(heard.logits, config)
    units = [*latent_names(config)[: config.num_categ], *["unknown"] * config.q_unknown]
    answers = pd.DataFrame({
        "output": np.arange(len(read)), "name": recordings.paths, "word": recordings.words,
        "role": _roles(np.array(recordings.words), read, options),
        "code": np.where(read, code, ""), "certainty": np.where(read, certainty, np.nan),
        "right": np.nan, "problem": heard.problems,
        **{f"logit_{name}": x for name, x in zip(units, heard.logits.T, strict=True)},
    })  # fmt: skip
    if speakers is not None:
        answers.insert(3, "speaker", speakers)
    counts = answers[read].groupby(["word", "code"]).size().rename("count").reset_index()
    counts["n"] = counts.groupby("word")["count"].transform("sum")
    tables = {"answers": answers, "confusion": stats.with_shares(counts, given.confidence)}
    if answers.loc[answers["role"] == SEEN, "word"].nunique() > 1:
        tables |= judge(answers, heard, model, recordings, options)
    layers = [x for x in layers_of(config, "q")[0] if x.name in heard.curves]
    tables["layers"] = layers_table(tuple(layers))
    settings = {
        "checkpoint": model.checkpoint, "model": config.to_dict(), "network": "q",
        "sample_rate_hz": config.sample_rate, "slice_len": config.slice_len,
        "n": len(recordings), "controls": options.controls, "by_speaker": speakers is not None,
        "statistics": dataclasses.asdict(given), "level": 1 - given.confidence,
    }  # fmt: skip
    return Result(NAME, settings, tables, None, directory)


def _check_words(found: list[str], options: Options) -> None:
    known, apart = ", ".join(sorted(set(found) - {""})[:20]), options.apart
    for word in apart:
        if word not in found:
            raise InputError(
                f"--unseen={word}: there is no recording of this word; the words are {known}"
            )
    if len(set(found) - {"", *apart}) < 2:
        raise InputError(
            f"--wav_dir={options.wav_dir}: words are {known or 'none'}; two or more are needed, "
            "not counting --unseen; give --word, a pattern whose group is the word in a path"
        )


def read_speakers(pattern: str | None, recordings: Recordings) -> np.ndarray | None:
    """Reads the speaker of each recording by ``--speaker``; None without it.

    Raises:
        InputError: A recording has no speaker, or all have one.
    """
    if pattern is None:
        return None
    speakers = [word_of(path, pattern, "--speaker") for path in recordings.paths]
    if "" in speakers:
        path = recordings.paths[speakers.index("")]
        raise InputError(
            f"--speaker={pattern}: finds no speaker in {path}; every path must have one"
        )
    if len(set(speakers)) < 2:
        raise InputError(f"--speaker={pattern}: finds {speakers[0]} only; leave out --speaker")
    return np.array(speakers)


def _roles(words: np.ndarray, read: np.ndarray, options: Options) -> np.ndarray:
    """Says of each recording whether its word is seen, unseen, or has too few."""
    counts = pd.Series(words[read]).value_counts()
    many = pd.Series(words).map(counts).fillna(0).to_numpy() >= options.statistics.min_outputs
    roles = np.where(np.isin(words, options.apart), UNSEEN, SEEN)
    return np.where(read & many & (words != ""), roles, FEW)


def judge(
    answers: pd.DataFrame, heard: Heard, model: Model, recordings: Recordings, options: Options
) -> dict[str, pd.DataFrame]:
    """Compares answers and layers with words; marks in ``answers`` what was right."""
    given, config, code = options.statistics, model.config, answers["code"].to_numpy()
    seen, unseen = ((answers["role"] == role).to_numpy() for role in (SEEN, UNSEEN))
    speakers = answers["speaker"].to_numpy() if "speaker" in answers else None
    task = stats.make_task(
        answers.loc[seen, "word"].to_numpy(), None if speakers is None else speakers[seen],
        options.n_permutations,
    )  # fmt: skip
    numbers = range(1, options.controls + 1)
    random = [hear(model, recordings, options.layers, number) for number in numbers]
    said, codes = [], _codes(code)
    for answer in (code, *(read_answers(each.logits, config)[0] for each in random)):
        places = {name: k for k, name in enumerate(_codes(answer))}
        said.append(np.array([places.get(name, -1) for name in answer]))
    possible = config.num_categ if config.model == "ciwgan" else 2**config.num_categ
    found: dict[str, pd.DataFrame] = {}
    found["recognition"], right, chosen, shares = stats.judge_codes(
        task, [x[seen] for x in said], -(-len(task.names) // possible), given
    )
    answers.loc[seen, "right"] = right.astype(float)
    for name, column in (("words", "word"), ("speakers", "speaker")):
        if column in answers:
            by = answers[seen].groupby(column)
            shared = by["right"].agg(count="sum", n="size").reset_index()
            shared["certainty"] = by["certainty"].mean().to_numpy()
            found[name] = stats.with_shares(shared, given.confidence)
    names = np.array([*codes, NONE])  # -1 is none
    found["words"].insert(1, "code", names[chosen])
    found |= stats.judge_layers(
        task, {name: x[seen] for name, x in heard.curves.items()},
        [{name: x[seen] for name, x in each.curves.items()} for each in random], "input", given,
    )  # fmt: skip
    of_q = [(number, "q", share) for number, share in zip(numbers, shares, strict=True)]
    rows = [*of_q, *found["controls"].itertuples(index=False)]
    found["controls"] = pd.DataFrame(rows, columns=list(found["controls"]))
    if unseen.any():
        both, words = seen | unseen, answers["word"].to_numpy()
        place = None if speakers is None else speakers[both]
        apart = [x[both] for x in said], place, options.n_permutations, given
        table = stats.judge_unseen(words[both], unseen[both], *apart)
        found["unseen"] = table.assign(code=names[table["code"]])
        values = answers["certainty"].to_numpy()[both]
        row = stats.compare_words(values, words[both], unseen[both], given.confidence)
        certainty = pd.DataFrame([row])
        found["certainty"] = add_verdicts(certainty, given, DIFFERS, NO_DIFFERENCE)
    return found


def _codes(answers: np.ndarray) -> list[str]:
    """Lists the codes among answers, c2 before c10."""
    return sorted({*answers} - {NONE, ""}, key=lambda code: (len(code), code))


HOW = (
    "Each word is assigned one code, and each code at most {words_per_code} word(s), so that most "
    "recordings are right. This is done on all recordings but a part{apart}, and answers are "
    "counted on that part. A linear classifier reads words from the average of a layer, in "
    "normalised time, and from the envelope of the input. Chance: words permuted{within}. Random "
    "weights: the mean of random networks, and the share that one more exceeds in {percent} of "
    "cases. In brackets: {level} intervals (Wilson's; recordings count as independent). p: of the "
    "test that permutes words, after Holm's correction over layers or words; <= marks the least "
    "possible p."
)
ABOUT = {
    "words": "Code: as all recordings together assign it. Right: by the codes that the other parts "
    "assign; the share framed in figures/confusion.png is by the code of all recordings and may "
    "differ.",
    "unseen": "Words named in --unseen, which are left out above, with the share of their most "
    "frequent code. Chance: a word gets the codes of recordings of any word. Random networks are "
    "compared by their share beyond chance.",
}
SAID = {
    stats.BEYOND: "beyond chance and random weights",
    stats.ABOVE: "beyond chance, not shown to be beyond random weights",
    stats.NOT_SHOWN: "not shown to be beyond chance",
}


def _told(result: Result) -> list[str]:
    """Writes a sentence on each finding."""
    given = result.settings["statistics"]
    if not len(result.table("recognition")):
        return [f"Not judged: fewer than two words have {given['min_outputs']} recordings."]
    [row], layers = result.table("recognition").to_dict("records"), result.table("by_layer")
    [envelope] = layers.loc[layers["layer"] == "input", "estimate"]
    more = "" if row["estimate"] > envelope else ", not more than the sound's envelope does"
    above = int((result.table("words")["low"] > row["chance"]).sum())
    beyond = layers[layers["verdict"] == stats.BEYOND]
    firm = beyond["beyond_envelope_p_holm"] < 1 - given["confidence"]
    better = beyond[firm & (beyond["beyond_envelope"] > 0)]
    told = [
        f"The codes of the Q-network agree with the words in {_share(row)} of {row['n']} "
        f"recordings (chance {text.percent(row['chance'])}, envelope {text.percent(envelope)}, "
        f"random weights {_random(row)}): {SAID[row['verdict']]}{more}; {above} of "
        f"{row['n_words']} words above chance (each by its own interval, uncorrected).",
        f"Layers that tell words apart beyond random weights: {_titles(beyond)}; among these, "
        f"better than the sound's envelope: {_titles(better)}.",
    ]
    for x in result.table("certainty").to_dict("records"):
        ends = text.with_interval(x["estimate"], x["low"], x["high"], text.fixed)
        told.append(
            f"Certainty (probability of the code that is answered), mean over {x['n']} words minus "
            f"the mean over the {x['n_unseen']} of --unseen: {ends}, p {text.p_value(x['p'])}: "
            f"{x['verdict']}."
        )
    return told


def _titles(layers: pd.DataFrame) -> str:
    return ", ".join(map(layer_title, layers["layer"])) or "none shown"


def _share(row: dict[Any, Any]) -> str:
    return text.with_interval(row["estimate"], row["low"], row["high"], text.percent)


def _random(row: dict[Any, Any]) -> str:
    share = text.percent(row["random"])
    high = f"; one more up to {text.percent(row['random_high'])}"
    return share + high if row["n_random"] else text.DASH


CELLS: dict[str, Callable[[dict[Any, Any]], object]] = {
    "layer": lambda x: layer_title(x["layer"]),
    "right": _share,
    "share": lambda x: text.percent(x["estimate"]),
    "entropy (bits)": lambda x: text.fixed(x["entropy_bits"]),
    "certainty": lambda x: text.fixed(x["certainty"]),
    "chance": lambda x: text.percent(x["chance"]),
    "p": lambda x: text.p_value(x["p_holm"], x["p"] <= x["least_p"]),
    "random weights": _random,
    "p (random)": lambda x: text.p_value(x["p_random_holm"]),
    "beyond envelope": lambda x: text.percent(x["beyond_envelope"]),
    "p (envelope)": lambda x: text.p_value(x["beyond_envelope_p_holm"]),
}
TABLES = {
    "by_layer": "layer,right,chance,p,random weights,p (random),beyond envelope,p (envelope),"
    "verdict",
    "words": "word,code,right,n,certainty",
    "speakers": "speaker,right,n,certainty",
    "unseen": "word,code,share,n,entropy (bits),chance,p,random weights,p (random),verdict",
}


def _cells(result: Result, name: str) -> pd.DataFrame:
    """Writes a table for people; Q's own answers stand above those of its layers."""
    table = result.table(name)
    if name == "by_layer":
        table = pd.concat([result.table("recognition").assign(layer="q's answer"), table])
    rows, titles = table.to_dict("records"), TABLES[name].split(",")
    return pd.DataFrame(
        {title: [CELLS[title](x) if title in CELLS else x[title] for x in rows] for title in titles}
    )


def terminal(result: Result) -> str:
    """Says in a few lines which words are told apart, by which layers, and of unseen words."""
    parts = _told(result)
    for name in ("by_layer", "unseen"):
        if len(result.table(name)):
            table = _cells(result, name).astype(str)
            parts.append(text.columns([[*map(str, table)], *table.to_numpy().tolist()]))
    return "\n".join(parts)


def summary(result: Result) -> str:
    """Says as Markdown which words Q recognises, how well each layer does, and unseen words."""
    settings, roles = result.settings, result.table("answers")["role"]
    checkpoint = settings["checkpoint"]
    parts = [
        "# Words that the Q-network recognises",
        f"{settings['n']} recordings, {(roles == FEW).sum()} of them not judged (unreadable, or of "
        f"a word with too few); checkpoint {checkpoint['prefix']}, step {checkpoint['step']}.",
        "\n".join(f"- {line}" for line in _told(result)),
    ]
    speakers = settings["by_speaker"]
    about = {"apart": ", of other speakers" * speakers, "within": " within speakers" * speakers}
    about["percent"] = text.percent(settings["level"])
    about["level"] = text.percent(1 - settings["level"])
    for row in result.table("recognition").to_dict("records"):
        parts += [
            HOW.format(words_per_code=row["words_per_code"], **about),
            f"Words {row['n_words']}, codes answered {row['n_codes']}; right if codes are assigned "
            f"and counted on the same recordings: {text.percent(row['best'])}; adjusted mutual "
            f"information {text.fixed(row['mutual_information'])}.",
        ]
    for name in TABLES:
        if len(result.table(name)):
            parts += [ABOUT[name]] if name in ABOUT else []
            parts += [text.table(_cells(result, name))]
    return "\n\n".join(parts) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them."""
    from wavegan_tf.output.figures_recognise import FIGURES

    there = {name: draw for name, draw in FIGURES.items() if len(result.table(name))}
    return {name: functools.partial(draw, result) for name, draw in there.items()}
