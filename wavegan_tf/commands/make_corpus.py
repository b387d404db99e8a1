"""make_corpus: synthesises a corpus of speech whose every parameter is known."""

from dataclasses import dataclass
from typing import Any

from wavegan_tf.commands.corpus import Flags, Made, command
from wavegan_tf.errors import InputError
from wavegan_tf.options import option


@dataclass(frozen=True)
class Options:
    """What is synthesised, and where to."""

    corpus: str | None = option(
        None,
        "Corpus to synthesise: stv, a word-initial voiceless stop and a vowel, with or without [s] "
        "before them (#sTV, #TV), as in the training data of the paper's WaveGAN; or "
        "reduplication, the 996 bare and reduplicated items of its ciwGAN. manifest.csv says what "
        "was intended for each clip.",
        choices=("stv", "reduplication"),
    )
    n: int | None = option(
        None,
        "Number of clips; by default as in the paper, 5463 (stv) or 996 (reduplication). A smaller "
        "corpus has the first clips of a larger one.",
        low=1,
    )
    seed: int = option(0, "Seed of every random draw.", low=0)
    s_share: float | None = option(
        None,
        "Share of [s]: its probability in stv; in reduplication the share of bare words that begin "
        "in it. By default as in the papers' data, 533 / 5463 and 132 / 564.",
        low=0,
        high=1,
    )
    s_below: float | None = option(
        None,
        "Level of [s] below that of the vowel, in dB, 10 by default; in stv the mean (standard "
        "deviation 2).",
        low=0,
        high=60,
        unit="dB",
    )
    num_speakers: int | None = option(
        None, "Number of speakers in stv, men and women in turn; 20 by default.", low=1
    )
    out_dir: str = option("corpus_out", "Directory for the results; created if missing.", path=True)
    overwrite: bool = option(
        False, "Replace the results in an --out_dir that is not empty.", group="Output"
    )
    jobs: int | None = option(
        None, "Number of processes; all cores by default.", group="Output", low=1
    )


def make(options: Options, given: Flags, directory: str, record: Flags) -> Made:
    """Synthesises a corpus."""
    from wavegan_tf.corpora import clips, reduplication, stv
    from wavegan_tf.processes import in_processes, num_processes
    from wavegan_tf.progress import progress
    from wavegan_tf.speech import praat

    if options.corpus is None:
        raise InputError("--corpus: name the corpus, --corpus=stv or --corpus=reduplication")
    flags = (("s_share", options.s_share), ("s_below_db", options.s_below))
    of_s: dict[str, Any] = {name: value for name, value in flags if value is not None}
    module: Any = reduplication
    plan: Any = reduplication.Corpus(options.seed, **of_s)
    if options.corpus == "stv":
        speakers = stv.draw_speakers(options.num_speakers or stv.NUM_SPEAKERS, options.seed)
        module, plan = stv, stv.Corpus(options.seed, speakers, **of_s)
    elif options.num_speakers is not None:
        raise InputError(
            f"--num_speakers={options.num_speakers}: has no meaning with --corpus=reduplication, "
            "which has one speaker; leave it out"
        )
    num = options.n or module.NUM_CLIPS
    made = in_processes(module.make_clip, range(num), plan, num_processes(options.jobs))
    clips.write_corpus(directory, progress(made, num, "synthesising"))
    return record | {"praat": praat.version()}, []


GROUPS, define_flags, main = command("make_corpus", Options, make)
