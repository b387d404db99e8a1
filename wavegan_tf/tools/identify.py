"""Finds the latent variables that cause a property of the outputs, and proves it by generating.

  python -m wavegan_tf.tools.identify --ckpt=train/digits --property=frication
  python -m wavegan_tf.tools.identify --ckpt=train/digits --property='voiced.f0>200' --n=3000
  python -m wavegan_tf.tools.identify --ckpt=train/digits --labels=words.csv --label=rag

Generates --n outputs and labels each: by a property of its intervals and measures, or by hand.
Ranks the latent variables that go with it, then generates anew: the best ones and others as a
control, each alone far outside its training range, all else frozen; every code at several levels;
pairs of latents on request. Writes tables, figures and summary.md; the README lists them.

Exit status: 0, everything was done; 2, everything was written, but outputs were silent or not
finite (outputs.csv); 1, nothing was written.
"""

from absl import flags

from wavegan_tf import cli
from wavegan_tf.analysis.causes.hand_labels import check_rankable, read_labels
from wavegan_tf.analysis.causes.identify import IdentifySettings
from wavegan_tf.analysis.causes.properties import parse_property
from wavegan_tf.errors import InputError
from wavegan_tf.latents import load_latents, sample_latents
from wavegan_tf.progress import progress

cli.define_checkpoint_flags()
flags.DEFINE_string(
    "property",
    None,
    "What an output has or not: frication, voicing, silence (between two sounds), two_vowels; or a "
    "number: n_voiced, rms_db, voiced.f0 (mean over its intervals), which a threshold turns into "
    "yes or no: voiced.f0>200.",
)
flags.DEFINE_string(
    "labels",
    None,
    "CSV table id,label of outputs labelled by hand: yes and no, numbers, or words. Latents are "
    "ranked by it, and --property is what is counted in new outputs.",
)
flags.DEFINE_string("label", None, "The word of --labels that is asked for, against all others.")
flags.DEFINE_integer("n", 1000, "Outputs to label; as of probe.py with this --seed.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of every draw.", lower_bound=0)
flags.DEFINE_string("latents", None, "Latent vectors instead, one a row: a .npy or .csv file.")
flags.DEFINE_integer("top", 7, "Best latents to prove.", lower_bound=1)
flags.DEFINE_integer(
    "controls", 7, "Latents not above chance to generate beside them.", lower_bound=0
)
flags.DEFINE_list("values", "-25,-15,-5,-1,0,1,5,15,25", "Values that each of them is set to.")
flags.DEFINE_integer(
    "proof_outputs", 25, "Outputs at each value, from the same vectors otherwise.", lower_bound=1
)
flags.DEFINE_list("code_levels", "1,2,5", "Values that code variables are set to, others 0.")
flags.DEFINE_integer(
    "code_outputs", 25, "Outputs of each code and level; 0 leaves codes out.", lower_bound=0
)
flags.DEFINE_string("pairs", "", "Pairs of latents to vary together: z3*z7,c1*z2, or top3.")
flags.DEFINE_list("pair_values", "-5,0,5", "Values of both latents of a pair.")
flags.DEFINE_bool("figures", True, "Draw figures; wavegan_tf.tools.figures draws them later.")
cli.define_settings_flags(IdentifySettings)
cli.define_measurement_flags(layers=False)
cli.define_output_flags("identify_out")

FLAGS = flags.FLAGS


def check_flags():
    """Refuses flags that have no meaning together."""
    if FLAGS.property is None and FLAGS.labels is None:
        raise InputError("--property: say what is asked for, such as frication, or give --labels")
    if FLAGS.label is not None and FLAGS.labels is None:
        raise InputError(f"--label={FLAGS.label}: is a word of --labels; give that table too")
    if FLAGS.latents is not None and FLAGS["n"].present:
        raise InputError("--latents gives the vectors; leave out --n")
    if FLAGS.pairs and FLAGS.property is None:
        raise InputError(
            f"--pairs={FLAGS.pairs}: new outputs have no label by hand; add the --property to count"
        )


def values_of(name: str, least: int) -> tuple[float, ...]:
    """The values that a flag lists."""
    from wavegan_tf.probing.identifying import parse_values

    return parse_values(f"--{name}", FLAGS[name].value, least, FLAGS[name].default_as_str)


def main():
    """Identifies the causes of a property of a checkpoint's outputs."""
    check_flags()
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        plan, settings = cli.measurement_plan(FLAGS), cli.read_settings(IdentifySettings, FLAGS)
        wanted = None if FLAGS.property is None else parse_property(FLAGS.property)
        values, pair_values = values_of("values", 2), values_of("pair_values", 2)
        code_levels = values_of("code_levels", 1)
        from wavegan_tf.probing import identifying
        from wavegan_tf.report import identified

        opened = cli.open_model(FLAGS)
        if FLAGS.latents is None:
            latents = sample_latents(opened.config, FLAGS.n, FLAGS.seed)
        else:
            latents = load_latents(FLAGS.latents, opened.config)
        labels = None
        if FLAGS.labels is not None:
            labels = read_labels(FLAGS.labels, len(latents), FLAGS.label)
            check_rankable(labels, FLAGS.labels, FLAGS.label, settings)
        request = identifying.Request(
            wanted, labels, FLAGS.label, FLAGS.seed, FLAGS.top, FLAGS.controls, values,
            FLAGS.proof_outputs, code_levels, FLAGS.code_outputs, FLAGS.pairs, pair_values,
            settings,
        )  # fmt: skip
        identifying.identify(
            directory, opened, latents, request, plan, cli.run_record(FLAGS), progress,
            cli.num_processes(FLAGS), FLAGS.audio,
        )  # fmt: skip
        complaints = identified.conclude(directory, FLAGS.figures)
    cli.finish(FLAGS.out_dir, complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
