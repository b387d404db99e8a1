r"""Cuts frequent words out of aligned recordings, such as LibriSpeech: a corpus to train on.

  python -m wavegan_tf.tools.prepare_words --audio_dir=LibriSpeech --alignments=LibriSpeech_aligned
  python -m wavegan_tf.tools.prepare_words --audio_dir=wav --alignments=words.ctm --words=water,year
  python -m wavegan_tf.tools.prepare_words --audio_dir=wav --alignments=mfa --skip_words=0 \
      --num_words=20

Defaults are those of Beguš & Zhou (2022): words by frequency rank, the first 78 left out, the next
508 taken; a small corpus needs --skip_words=0 or --words. Alignments are TextGrids of the Montreal
Forced Aligner (tiers words and phones), CTM (utterance channel start duration word), or
LibriSpeech's .alignment.txt; each belongs to the recording of its name. Case does not matter;
silences, noises and <unk> are no words. Ranks are those of the alignments, words of equal number in
alphabetical order.

Writes clips/WORD/UTTERANCE_START.wav (16 bits; START is a sample of the recording) and a TextGrid
each; manifest.csv, a row a clip; counts.csv, a row a word with its rank, whether it was chosen, and
what became of its tokens; problems.csv; config.json. Recordings are averaged to mono and resampled
as a whole; their levels stay.

Exit status: 0, everything was done; 2, everything was written, but something is missing or could
not be used (problems.csv, fewer words than asked for, or a word without a clip); 1, nothing was
written.
"""

import functools
import os
from pathlib import Path

from absl import flags

from wavegan_tf import cli
from wavegan_tf.corpora.aligned import corpus
from wavegan_tf.corpora.clips import CLIPS, check_folder
from wavegan_tf.corpora.word_lists import read_words
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress
from wavegan_tf.report import tables

flags.DEFINE_string("audio_dir", None, "Folder of recordings, sub-folders included.", required=True)
flags.DEFINE_string(
    "alignments",
    None,
    "File or folder of alignments: .TextGrid, .ctm or .alignment.txt; may be that of --audio_dir.",
    required=True,
)
flags.DEFINE_integer("skip_words", 78, "Most frequent words to leave out.", lower_bound=0)
flags.DEFINE_integer("num_words", 508, "Words to take after them, by rank.", lower_bound=1)
flags.DEFINE_string(
    "words", None, "Words to take instead: water,year, or a file with a word in each line."
)
flags.DEFINE_integer(
    "min_tokens",
    1,
    "Leave out words with fewer tokens that have audio and are short enough; of ranks, the next "
    "word takes the place.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "max_tokens",
    None,
    "Take at most so many tokens of a word, drawn from all by --seed; all if not given.",
    lower_bound=1,
)
flags.DEFINE_integer("seed", 0, "Of the draw of --max_tokens.", lower_bound=0)
flags.DEFINE_integer(
    "sample_rate", 16000, "Of the clips, Hz; other recordings are resampled.", lower_bound=1000
)
flags.DEFINE_integer(
    "slice_len", 16384, "Longer clips are left out, samples of --sample_rate.", lower_bound=1
)
flags.DEFINE_bool("allow_longer", False, "Take clips longer than --slice_len as well.")
flags.DEFINE_integer(
    "jobs", None, "Processes that read and cut; all cores if not given.", lower_bound=1
)
cli.define_output_flags("words_out")

FLAGS = flags.FLAGS


def check_flags():
    """Refuses flags that have no meaning together."""
    for name in ("skip_words", "num_words"):
        if FLAGS.words is not None and FLAGS[name].present:
            raise InputError(f"--words names the words; leave out --{name}")
    if FLAGS.allow_longer and FLAGS["slice_len"].present:
        raise InputError("--allow_longer takes clips of any length; leave out --slice_len")
    if FLAGS.max_tokens is None and FLAGS["seed"].present:
        raise InputError("--seed draws the tokens of --max_tokens; give that, or leave it out")


def check_folders():
    """Refuses an output that would be read as input next time, and one that replaces its input."""
    out_dir = Path(FLAGS.out_dir).resolve()
    for name, what in (("audio_dir", "recordings"), ("alignments", "alignments")):
        given = FLAGS[name].value
        if out_dir.is_relative_to(Path(given).resolve()):
            raise InputError(
                f"--out_dir={FLAGS.out_dir}: lies in --{name}={given}, whose clips would be read "
                f"as {what} next time; name a folder outside"
            )
        if Path(given).resolve().is_relative_to(out_dir / CLIPS):
            raise InputError(
                f"--out_dir={FLAGS.out_dir}: its {CLIPS} would be replaced, where --{name}={given} "
                "lies; name another"
            )


def main():
    """Cuts words out of recordings."""
    check_folder(FLAGS.out_dir, "prepare_words")
    check_flags()
    check_folders()
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        from wavegan_tf.probing.measuring import in_processes

        request = corpus.Request(
            FLAGS.audio_dir,
            FLAGS.alignments,
            FLAGS.skip_words,
            FLAGS.num_words,
            None if FLAGS.words is None else read_words(FLAGS.words),
            FLAGS.min_tokens,
            FLAGS.max_tokens,
            FLAGS.seed,
            FLAGS.sample_rate,
            None if FLAGS.allow_longer else FLAGS.slice_len,
        )
        in_parallel = functools.partial(in_processes, num_processes=cli.num_processes(FLAGS))
        prepared = corpus.prepare(directory, request, in_parallel, progress)
        tables.write_json(os.path.join(directory, "config.json"), cli.run_record(FLAGS))
    print(prepared.text)
    cli.finish(FLAGS.out_dir, prepared.complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
