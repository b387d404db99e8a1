"""Shows what each layer of a network encodes: averages, sounds, measurements, statistics, figures.

  python probe.py --ckpt=train/digits --n=25 --out_dir=probe_out
  python probe.py --ckpt=model.ckpt-12255 --set=z11=-15
  python probe.py --ckpt=train/digits --condition=c1=1 --condition=c2=1
  python probe.py --ckpt=train/digits --network=q --wav_dir=recordings

Generates --n outputs (or reads recordings into a classifier), averages the feature maps of each
layer after its ReLU, finds voiced, fricative and silent intervals on the output, measures every
layer on them with Praat, and compares layers with the output beside two controls: the network with
random weights, and shuffled pairing. The README lists the files.

Exit status: 0, everything was measured; 2, everything was written, but outputs were silent, not
finite or had no usable TextGrid (outputs.csv); 1, nothing was written.
"""

import dataclasses
import functools

from absl import flags

from wavegan_tf import cli
from wavegan_tf.analysis.averages import parse_reduce
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress

cli.define_checkpoint_flags()
cli.define_latent_flags()
flags.DEFINE_integer("n", 25, "Outputs to generate.", lower_bound=1)
flags.DEFINE_string("latents", None, "Latent vectors instead, one a row: a .npy or .csv file.")
flags.DEFINE_multi_string(
    "condition",
    [],
    "Generate every latent vector under these settings (as --set) and those of each further "
    "--condition, and compare them in pairs with the first.",
)
flags.DEFINE_enum(
    "network", "generator", ("generator", "discriminator", "q"), "The network to probe."
)
flags.DEFINE_string("wav_dir", None, "Recordings that a classifier reads; sub-folders included.")
flags.DEFINE_string(
    "word",
    None,
    "Regular expression whose group is the word in a recording's relative path; without it, the "
    "file name up to its first _ or dot.",
)
flags.DEFINE_string(
    "reduce",
    "mean",
    "How feature maps become one series: mean (the paper's), max, l2, weighted (by how strongly "
    "the next layer reads each) or channel:17 (one map, counted from 1).",
)
flags.DEFINE_integer(
    "controls", 5, "Networks with random weights to measure beside the model.", lower_bound=0
)
flags.DEFINE_integer(
    "control_outputs", 100, "Outputs of each control network, at most.", lower_bound=1
)
flags.DEFINE_string(
    "shard", None, "A part of the run, such as 3/10; wavegan_tf.tools.merge_shards joins them."
)
flags.DEFINE_integer("max_figures", 4, "Outputs to draw, from the first on.", lower_bound=0)
flags.DEFINE_bool("figures", True, "Draw figures; wavegan_tf.tools.figures draws them later.")
cli.define_report_flags()
flags.DEFINE_bool("series", True, "Write series.npz: every layer of every output as an array.")
cli.define_measurement_flags()
cli.define_settings_flags(StatisticsSettings)
cli.define_output_flags("probe_out")

FLAGS = flags.FLAGS


def check_flags():
    """Refuses flags that have no meaning together."""
    recordings = FLAGS.network != "generator"
    if recordings and FLAGS.wav_dir is None:
        raise InputError(f"--network={FLAGS.network}: reads recordings; add --wav_dir")
    latent_flags = ("n", "seed", "set", "latents", "condition")
    unused = [name for name in latent_flags if FLAGS[name].present] if recordings else []
    if not recordings:
        unused = [name for name in ("wav_dir", "word") if FLAGS[name].present]
    if unused:
        raise InputError(
            f"--{unused[0]}: has no meaning with --network={FLAGS.network}; leave it out"
        )
    if FLAGS.latents is not None and (FLAGS["n"].present or FLAGS["seed"].present):
        raise InputError("--latents gives the vectors; leave out --n and --seed")
    if len(FLAGS.condition) == 1:
        raise InputError(
            f"--condition={FLAGS.condition[0]}: one has nothing to be compared with; give another "
            "--condition, or use --set"
        )


def choose_inputs(config):
    """The latent vectors or recordings that the flags describe."""
    from wavegan_tf.latents import (
        apply_settings,
        load_latents,
        parse_settings,
        sample_latents,
        with_conditions,
    )
    from wavegan_tf.probing import sources

    if FLAGS.network != "generator":
        return sources.Recordings(FLAGS.wav_dir, config, FLAGS.word)
    if FLAGS.latents is None:
        latents = sample_latents(config, FLAGS.n, FLAGS.seed)
    else:
        latents = load_latents(FLAGS.latents, config)
    latents = apply_settings(latents, parse_settings(FLAGS.set, config), config)
    if not FLAGS.condition:
        return sources.Latents(latents)
    return sources.Latents(
        with_conditions(latents, FLAGS.condition, config), tuple(FLAGS.condition)
    )


def main():
    """Probes a checkpoint."""
    check_flags()
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        plan, reduction = cli.measurement_plan(FLAGS), parse_reduce(FLAGS.reduce)
        statistics = dataclasses.asdict(cli.read_settings(StatisticsSettings, FLAGS))
        from wavegan_tf.probing import run
        from wavegan_tf.report import derived

        opened = cli.open_model(FLAGS)
        inputs = choose_inputs(opened.config)
        shard = (0, len(inputs))
        if FLAGS.shard is not None:
            shard = run.read_shard(FLAGS.shard, len(inputs), max(1, len(FLAGS.condition)))
        request = run.Request(
            network=FLAGS.network,
            layers=FLAGS.layers,
            reduction=reduction,
            outputs=shard,
            controls=FLAGS.controls,
            control_outputs=FLAGS.control_outputs,
            num_maps=FLAGS.max_figures,
            keep_series=FLAGS.series,
            keep_audio=FLAGS.audio,
            num_processes=cli.num_processes(FLAGS),
        )
        record = cli.run_record(FLAGS) | {"statistics": statistics}
        shown = functools.partial(progress, label="probing")
        run.write_run(directory, opened, inputs, request, plan, record, shown)
        if FLAGS.shard is None:
            cli.conclude(directory, FLAGS)
        complaints = derived.complaints(directory)
    cli.finish(FLAGS.out_dir, complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
