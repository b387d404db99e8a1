"""Synthesises a corpus of speech whose every parameter is known.

  python -m wavegan_tf.tools.make_corpus --corpus=stv --n=5463 --out_dir=corpora/stv
  python -m wavegan_tf.tools.make_corpus --corpus=reduplication --out_dir=corpora/reduplication

stv: word-initial voiceless stop and vowel (#TV), or with [s] before (#sTV), as the paper's WaveGAN
was trained on. reduplication: the 996 bare and reduplicated items of its ciwGAN. Voice and formants
are Praat's. Writes a 16-bit WAV of 16 kHz and a TextGrid for each clip, and manifest.csv with what
was intended: F0, formants, VOT, durations, levels. The same flags give the same files, whatever
--jobs, and a smaller --n the first of them. The distributions stand in stv.py and reduplication.py
of wavegan_tf/corpora/synthetic.
"""

import os

from absl import flags

from wavegan_tf import cli
from wavegan_tf.corpora.clips import check_folder, write_corpus
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress

CORPORA = ("stv", "reduplication")

flags.DEFINE_enum("corpus", None, CORPORA, "What to synthesise.", required=True)
flags.DEFINE_integer(
    "n", None, "Clips; not given, as many as the paper's: 5463 (stv), 996 (reduplication).",
    lower_bound=1,
)  # fmt: skip
flags.DEFINE_integer("seed", 0, "Of every draw.", lower_bound=0)
flags.DEFINE_float(
    "s_share", None,
    "stv: probability of [s]; not given, the share of the paper's data, 533 / 5463 = 0.098.",
)  # fmt: skip
flags.DEFINE_integer(
    "num_speakers", None, "stv: speakers, men and women by turns; not given, 20.", lower_bound=1
)
flags.DEFINE_integer(
    "jobs", None, "Processes that synthesise; all cores if not given.", lower_bound=1
)
cli.define_output_flags("corpus_out")

FLAGS = flags.FLAGS
NUM_CLIPS = {"stv": 5463, "reduplication": 996}
NUM_SPEAKERS = 20


def recipe():
    """What is made: a module of the corpus, and what its ``make_clip`` needs beside a number."""
    from wavegan_tf.corpora.synthetic import reduplication, stv

    if FLAGS.corpus == "reduplication":
        for name in ("s_share", "num_speakers"):
            if FLAGS[name].value is not None:
                raise InputError(
                    f"--{name}={FLAGS[name].value}: has no meaning with --corpus=reduplication, "
                    "which has one speaker and a fixed inventory; leave it out"
                )
        return reduplication, FLAGS.seed
    s_share = stv.S_SHARE if FLAGS.s_share is None else FLAGS.s_share
    if not 0 <= s_share <= 1:
        raise InputError(f"--s_share={s_share:g}: a probability, from 0 (no [s]) to 1 (only [s])")
    speakers = stv.draw_speakers(FLAGS.num_speakers or NUM_SPEAKERS, FLAGS.seed)
    return stv, stv.Corpus(FLAGS.seed, speakers, s_share)


def main():
    """Synthesises a corpus."""
    check_folder(FLAGS.out_dir, "make_corpus")
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        module, plan = recipe()
        from wavegan_tf.analysis import praat
        from wavegan_tf.probing.measuring import in_processes
        from wavegan_tf.report.tables import write_json

        num = FLAGS.n or NUM_CLIPS[FLAGS.corpus]
        clips = in_processes(module.make_clip, range(num), plan, cli.num_processes(FLAGS))
        write_corpus(directory, progress(clips, num, "synthesising"), module.COLUMNS)
        record = cli.run_record(FLAGS) | {"praat": praat.version()}
        write_json(os.path.join(directory, "config.json"), record)
    cli.finish(FLAGS.out_dir, [])


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
