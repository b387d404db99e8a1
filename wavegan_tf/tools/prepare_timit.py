"""Cuts TIMIT into a corpus to train on: patterns of phones, such as #TV and #sTV, or words.

  python -m wavegan_tf.tools.prepare_timit --timit_dir=TIMIT
  python -m wavegan_tf.tools.prepare_timit --timit_dir=TIMIT --out_dir=words --words=paper10
  python -m wavegan_tf.tools.prepare_timit --timit_dir=TIMIT --out_dir=mine --pattern='V{sh}V,#(q)V'

Without --pattern or --words, what the paper trained on: word-initial voiceless stop and vowel,
with or without [s] before them, from the closure (of #sTV from [s]) to the end of the vowel.

--out_dir gets a 16-bit WAV of 16 kHz and a TextGrid (words, phones) for each clip, in a folder for
each pattern or word, named WORD_SPEAKER_SENTENCE_START; manifest.csv; counts.csv; left_out.csv, the
tokens too long and the near misses of patterns, each with its reason; problems.csv, what could not
be used; config.json. In a TextGrid the interval of a stop's release is about its VOT.

Columns of counts.csv: tokens, those written; sa_tokens, of these in SA sentences; paper and
difference, the paper's tokens and how many more were written, empty (NaN) where the paper has none
or not all of TIMIT's 6300 sentences are used; and what is not written: too_long; sa, in SA
sentences, with --nosa; unusable, of recordings that cannot be read or end before; near misses.

Exit status: 0, everything was done; 2, everything was written, but files could not be used, or a
pattern or word was not found; 1, nothing was written.
"""

from absl import flags

from wavegan_tf import cli
from wavegan_tf.corpora.clips import CUT_COLUMNS, check_folder, write_corpus
from wavegan_tf.corpora.timit import cutting, matching, patterns, planning, timit_counts, timit_tree
from wavegan_tf.corpora.word_lists import read_words
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress
from wavegan_tf.report import tables

SETS = timit_counts.WORD_SETS

flags.DEFINE_string(
    "timit_dir", None, "TIMIT's tree: the folder that holds TRAIN and TEST, or one above it."
)
flags.DEFINE_list(
    "pattern",
    list(timit_counts.PAPER_PATTERNS),
    "Patterns of phones, with commas between them.\n"
    + patterns.NOTATION
    + "\nWhat is no match for one reason alone is counted as a near miss:\n"
    + "\n".join(f"{name:14} {why}" for name, why in matching.NEAR_MISSES.items()),
)
flags.DEFINE_string(
    "words",
    None,
    "Words instead: water,year, or a file with a word in each line, or a set of the papers': "
    + "; ".join(f"{name} ({' '.join(words or ['every word'])})" for name, words in SETS.items())
    + ".",
)
flags.DEFINE_integer(
    "num_words", None, "Of --words=paper_all this many, the most frequent.", lower_bound=1
)
flags.DEFINE_integer(
    "min_tokens", 1, "Of --words=paper_all those with as many tokens.", lower_bound=1
)
flags.DEFINE_bool(
    "sa", True, "Use the SA sentences, two that every speaker reads: most of the papers' words."
)
flags.DEFINE_list("splits", list(timit_tree.SPLITS), "Splits to use.")
flags.DEFINE_integer("slice_len", 16384, "Samples that a clip may have at most.", lower_bound=1)
flags.DEFINE_bool("allow_longer", False, "Keep longer clips too.")
cli.define_output_flags("timit_out")
flags.mark_flag_as_required("timit_dir")

FLAGS = flags.FLAGS


def wanted() -> planning.Wanted:
    """What the flags ask for.

    Raises:
        InputError: A flag's value breaks its rule, or flags have no meaning together.
    """
    limits = {"max_len": None if FLAGS.allow_longer else FLAGS.slice_len, "sa": FLAGS.sa}
    for split in FLAGS.splits or [""]:
        if split not in timit_tree.SPLITS:
            raise InputError(f"--splits={split}: is none of {', '.join(timit_tree.SPLITS)}")
    if FLAGS.allow_longer and FLAGS["slice_len"].present:
        raise InputError("--allow_longer keeps clips of any length; leave out --slice_len")
    name_of_set = FLAGS.words and FLAGS.words.lower()
    if name_of_set != "paper_all":
        for name in ("num_words", "min_tokens"):
            if FLAGS[name].present:
                raise InputError(
                    f"--{name}={FLAGS[name].value}: chooses among all words; add --words=paper_all"
                )
    if FLAGS.words is None:
        parsed = dict.fromkeys(patterns.parse(text) for text in FLAGS.pattern)
        if not parsed:
            raise InputError("--pattern=: name one, such as #TV, or words with --words")
        return planning.Wanted(tuple(parsed), **limits)
    if FLAGS["pattern"].present:
        raise InputError("--pattern and --words: a corpus is of patterns or of words; give one")
    if name_of_set in SETS:
        limits |= {"num_words": FLAGS.num_words, "min_tokens": FLAGS.min_tokens}
        return planning.Wanted(words=SETS[name_of_set], **limits)
    words = read_words(FLAGS.words)
    timit_counts.check_no_set(words, f"--words={FLAGS.words}")
    return planning.Wanted(words=tuple(words), **limits)


def main():
    """Cuts TIMIT."""
    check_folder(FLAGS.out_dir, "prepare_timit")
    asked = wanted()
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        root = timit_tree.find_root(FLAGS.timit_dir)
        splits = [split for split in timit_tree.SPLITS if split in FLAGS.splits]
        sentences = timit_tree.find_sentences(root, splits)
        problems = []
        shown = progress(sentences, len(sentences), "transcriptions")
        read = planning.read_sentences(root, shown, problems)
        plan = planning.plan_cuts(read, asked)
        by_pattern = bool(asked.patterns)
        clips = cutting.clips(root, plan, problems, by_pattern)
        total = sum(len(cuts) for _, cuts in plan.cuts)
        written = write_corpus(directory, progress(clips, total, "clips"), CUT_COLUMNS)
        if not written:
            words, pattern = f"--words={FLAGS.words}", f"--pattern={','.join(FLAGS.pattern)}"
            flag = pattern if by_pattern else words
            raise InputError(timit_counts.nothing_written(flag, asked, plan, problems))
        columns, rows = timit_counts.count_rows(plan, by_pattern)
        tables.write_csv(f"{directory}/counts.csv", columns, rows)
        tables.write_csv(f"{directory}/left_out.csv", planning.LEFT_OUT_COLUMNS, plan.left_out)
        tables.write_csv(f"{directory}/problems.csv", planning.PROBLEM_COLUMNS, problems)
        record = {"sentences": len(sentences), "sentences_used": plan.num_sentences}
        record |= {"clips": written}
        tables.write_json(f"{directory}/config.json", cli.run_record(FLAGS) | record)
    print(timit_counts.counts_text(plan, asked))
    cli.finish(FLAGS.out_dir, timit_counts.complaints(asked, plan, problems))


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
