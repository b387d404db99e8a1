"""prepare_timit: cuts TIMIT into a corpus to train on, by patterns of phones or by words.

counts.csv has the tokens written, those of them in SA sentences, the paper's and the difference
(empty where the paper has none or not all of TIMIT is used), and what is not written: too_long; sa,
in SA sentences, with --nosa; unusable, of recordings that cannot be read or end before; near misses
of patterns. left_out.csv lists them, problems.csv what could not be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wavegan_tf.commands.corpus import Flags, Made, command
from wavegan_tf.corpora import patterns
from wavegan_tf.errors import InputError
from wavegan_tf.options import option

_SETS = "; ".join(f"{x} ({' '.join(y or ['every word'])})" for x, y in patterns.WORD_SETS.items())
_MISSES = "\n".join(f"{name:14} {why}" for name, why in patterns.NEAR_MISSES.items())


@dataclass(frozen=True)
class Options:
    """What is cut, and where to."""

    timit_dir: str = option(
        "", "Folder of TIMIT: the one that holds TRAIN and TEST, or one above it.", path=True
    )
    pattern: tuple[str, ...] = option(
        tuple(patterns.PAPER_PATTERNS),
        "Patterns of phones, separated by commas. By default the paper's: a word-initial voiceless "
        "stop and a vowel, with or without [s], from the closure or [s] to the end of the "
        f"vowel.\n{patterns.NOTATION}\nA stretch that fails to match for one reason alone is "
        f"counted as a near miss:\n{_MISSES}",
    )
    words: str | None = option(
        None,
        "Words to cut instead of patterns: water,year, a file with one word in each line, or one "
        f"of the papers' sets: {_SETS}.",
        path=True,
    )
    sa: bool = option(
        True,
        "Use the two SA sentences, which every speaker reads; most of the papers' words are in "
        "them.",
        group="Data",
    )
    splits: tuple[str, ...] = option(("train", "test"), "Parts of TIMIT to use.", group="Data")
    slice_len: int = option(16384, "Greatest length of a clip in samples.", group="Data", low=1)
    allow_longer: bool = option(False, "Keep clips longer than --slice_len too.", group="Data")
    out_dir: str = option("timit_out", "Directory for the results; created if missing.", path=True)
    overwrite: bool = option(
        False, "Replace the results in an --out_dir that is not empty.", group="Output"
    )


def make(options: Options, given: Flags, directory: str, record: Flags) -> Made:
    """Cuts TIMIT."""
    from wavegan_tf.corpora import clips, timit
    from wavegan_tf.output.files import write_table
    from wavegan_tf.progress import progress

    for split in options.splits or [""]:
        if split not in timit.SPLITS:
            raise InputError(f"--splits={split}: must be one of {', '.join(timit.SPLITS)}")
    if options.words is not None and "pattern" in given:
        raise InputError(
            "--pattern and --words: a corpus is cut either by patterns or by words; "
            "give one of the two"
        )
    wanted = list[patterns.Pattern]()
    words: Sequence[str] | None = None
    if options.words is None:
        wanted = list({x.text: x for x in map(patterns.parse, options.pattern)}.values())
    elif options.words.lower() in patterns.WORD_SETS:
        words = patterns.WORD_SETS[options.words.lower()]
    else:
        words = clips.read_words(options.words)
    max_len = None if options.allow_longer else options.slice_len
    splits = [split for split in timit.SPLITS if split in options.splits]
    root, sentences = timit.find_sentences(options.timit_dir, splits)
    problems = list[clips.Problem]()
    shown = progress(sentences, len(sentences), "transcriptions")
    read = timit.read_sentences(root, shown, problems)
    plan = timit.plan_cuts(read, wanted, words, max_len, options.sa)
    total = sum(cut.outcome == timit.TOKENS for cut in plan.cuts)
    made = progress(timit.make_clips(root, plan, problems), total, "clips")
    written = clips.write_corpus(directory, made)
    counts = timit.count_table(plan)
    if not written:
        asked = f"--words={options.words}" if options.words else f"--pattern={plan.kinds}"
        why = (
            f"{asked}: no token to write; --allow_longer or a higher --slice_len takes those too "
            "long, without --nosa those of SA sentences are taken; --help has the notation of "
            "patterns and the sets of words"
        )
        raise InputError("\n".join([why, *clips.summarise(problems), timit.counts_text(plan)]))
    write_table(f"{directory}/counts.csv", counts)
    write_table(f"{directory}/left_out.csv", timit.left_out_table(plan))
    print(timit.counts_text(plan))
    complaints = clips.write_problems(directory, problems)
    missing = counts.loc[counts["tokens"] == 0, plan.what]
    if len(missing) and (wanted or words):
        complaints.append(f"no token of {', '.join(missing)}; counts.csv says what was left out")
    used = {"sentences": len(sentences), "sentences_used": plan.num_sentences, "clips": written}
    return used | record, complaints


GROUPS, define_flags, main = command("prepare_timit", Options, make)
