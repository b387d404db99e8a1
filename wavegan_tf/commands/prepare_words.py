"""prepare_words: cuts frequent words out of aligned recordings, such as LibriSpeech.

Ranks are those of the alignments, words of equal number in alphabetical order; case does not
matter, nor what apostrophes look like; silences, noises, punctuation and <unk> are no words.
Recordings are averaged to mono and resampled as a whole; their levels stay. counts.csv says of each
word its rank, whether it was chosen, and what became of its tokens; problems.csv what could not be
used.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from wavegan_tf.commands.corpus import Flags, Made, command
from wavegan_tf.errors import InputError
from wavegan_tf.options import option


@dataclass(frozen=True)
class Options:
    """What is cut out of what, and where to."""

    audio_dir: str = option("", "Folder of recordings; sub-folders included.", path=True)
    alignments: str = option(
        "",
        "File or folder of alignments: TextGrids of the Montreal Forced Aligner (tiers words and "
        "phones), .ctm (utterance channel start duration word) or LibriSpeech's .alignment.txt. "
        "Each alignment has the name of its recording. The folder may be that of --audio_dir.",
        path=True,
    )
    tier: str = option(
        "",
        "Name of the TextGrid tier with the words; upper or lower case does not matter. WebMAUS "
        "has ORT-MAU, KAN-MAU and MAU; with several speakers the name is SPEAKER - NAME. By "
        "default words or word.",
    )
    skip_words: int = option(
        78, "Number of most frequent words to leave out; give 0 for a small corpus.", low=0
    )
    num_words: int = option(
        508, "Number of words to take after those, by rank of frequency.", low=1
    )
    words: str | None = option(
        None, "Words to take instead: water,year, or a file with one word in each line.", path=True
    )
    max_tokens: int | None = option(
        None,
        "Greatest number of tokens for each word, drawn at random with --seed; no limit by "
        "default.",
        group="Data",
        low=1,
    )
    seed: int = option(
        0, "Seed with which the tokens of --max_tokens are drawn.", group="Data", low=0
    )
    slice_len: int = option(16384, "Greatest length of a clip in samples.", group="Data", low=1)
    allow_longer: bool = option(False, "Keep clips longer than --slice_len too.", group="Data")
    out_dir: str = option("words_out", "Directory for the results; created if missing.", path=True)
    overwrite: bool = option(
        False, "Replace the results in an --out_dir that is not empty.", group="Output"
    )
    jobs: int | None = option(
        None, "Number of processes; all cores by default.", group="Output", low=1
    )


def check(options: Options, given: Flags) -> None:
    """Refuses flags without meaning together, and results that would be read or replace input."""
    from wavegan_tf.corpora.clips import CLIPS

    for name in {"skip_words", "num_words"} & given.keys() if options.words else ():
        raise InputError(f"--words already names the words; leave out --{name}")
    if options.max_tokens is None and "seed" in given:
        raise InputError(
            "--seed is only for drawing the tokens of --max_tokens; give --max_tokens "
            "too, or leave out --seed"
        )
    out_dir = Path(options.out_dir).resolve()
    for name in ("audio_dir", "alignments"):
        source = getattr(options, name)
        if not source:
            raise InputError(f"--{name}: missing; --help says what it is")
        if out_dir.is_relative_to(Path(source).resolve()):
            raise InputError(
                f"--out_dir={options.out_dir}: lies in --{name}={source} and would be read next "
                "time; name a folder outside it"
            )
        if Path(source).resolve().is_relative_to(out_dir / CLIPS):
            raise InputError(
                f"--out_dir={options.out_dir}: its {CLIPS} would be replaced, but "
                f"--{name}={source} lies in there; name another directory"
            )


def make(options: Options, given: Flags, directory: str, record: Flags) -> Made:
    """Cuts words out of recordings."""
    from wavegan_tf.corpora import alignments, clips, words
    from wavegan_tf.data.preflight import AUDIO_SUFFIXES
    from wavegan_tf.output.files import write_table
    from wavegan_tf.processes import in_processes, num_processes
    from wavegan_tf.progress import progress

    check(options, given)
    jobs = num_processes(options.jobs)
    names = None
    if options.words is not None:
        names = clips.read_words(options.words, alignments.label_of(options.tier))
    max_len = None if options.allow_longer else options.slice_len
    suffixes = sorted(AUDIO_SUFFIXES)
    recordings = alignments.find_files("--audio_dir", options.audio_dir, suffixes)
    root, files = alignments.find_alignments(options.alignments)
    if options.tier and not any(file.lower().endswith(alignments.TEXTGRID) for file in files):
        raise InputError(f"--tier={options.tier}: --alignments has no TextGrid; leave out --tier")
    source = words.Alignments(root, options.tier)
    tokens, utterances, problems = words.collect(words.read_tracks(source, files, jobs))
    if not utterances:
        asked = f"--tier={options.tier}" if options.tier else f"--alignments={options.alignments}"
        why = f"{asked}: none of {len(files)} alignments can be used"
        raise InputError("\n  ".join([why, *clips.summarise(problems)]))
    matched = words.match_audio(utterances, recordings, problems)
    words.mark_unusable(tokens, matched, max_len)
    try:
        chosen = words.choose(words.rank(tokens), options.skip_words, options.num_words, names)
    except InputError as error:
        raise InputError("\n  ".join([str(error), *clips.summarise(problems)])) from None
    words.take_tokens(tokens, matched, chosen.index[chosen], options.max_tokens, options.seed)
    sexes = words.read_speakers(options.audio_dir)
    plan = words.Plan(os.path.realpath(options.audio_dir), source, sexes)
    cuts = words.list_jobs(tokens, matched, utterances)
    done = progress(in_processes(words.cut_words, cuts, plan, jobs), len(cuts), "recordings")
    if not clips.write_corpus(directory, words.clips_of(done, tokens, problems)):
        raise InputError("\n  ".join(["no clip is left:", *clips.summarise(problems)]))
    counts = words.rank(tokens).reset_index()
    counts = counts[["rank", "word", *counts.columns[2:]]]
    counts.insert(2, "chosen", chosen.to_numpy().astype(int))
    write_table(f"{directory}/counts.csv", counts)
    became = counts[counts["chosen"] == 1]
    print(became.head(20).to_string(index=False, max_colwidth=40))
    print(f"words chosen: {len(became)} of {len(counts)}; clips: {became['written'].sum()}")
    complaints = clips.write_problems(directory, problems)
    lost = [*became.loc[became["written"] == 0, "word"]]
    lost += sorted(set(names or ()) - {*became["word"]})
    if lost:
        complaints.append(f"no clip of {', '.join(lost)}; counts.csv says why")
    if names is None and options.skip_words and len(became) < options.num_words:
        complaints.append(f"--num_words={options.num_words}: only {len(became)} words were left")
    return record, complaints


GROUPS, define_flags, main = command("prepare_words", Options, make)
