"""Moves one latent variable, all others frozen, and follows the effect through every layer.

  python interpolate.py --ckpt=train/digits --vary=z11=-15:5:2 --out_dir=interpolate_out
  python interpolate.py --ckpt=train/digits --vary=c2=0:2:0.25 --set=c1=0

Writes to --out_dir the files of probe.py, one row per step, and figures/interpolation.png: a panel
per layer, a line per step.
"""

import dataclasses
import functools

from absl import flags

from wavegan_tf import cli
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.latents import parse_settings, parse_sweep, sample_latents, sweep_latents

cli.define_checkpoint_flags()
cli.define_latent_flags()
flags.DEFINE_string(
    "vary",
    None,
    "The variable and its values: z11=-15:5:2 (from, to, step; both ends included) or z11=-15,0,5.",
    required=True,
)
cli.define_measurement_flags()
cli.define_output_flags("interpolate_out")

FLAGS = flags.FLAGS


def main():
    """Interpolates a latent variable of a checkpoint."""
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        plan = cli.measurement_plan(FLAGS)
        from wavegan_tf.checkpoints.open import open_checkpoint
        from wavegan_tf.probing import run, sources
        from wavegan_tf.report import derived, figures

        opened = open_checkpoint(FLAGS.ckpt, cli.checkpoint_overrides(FLAGS))
        config = opened.config
        sweep = parse_sweep(FLAGS.vary, config)
        base = sample_latents(config, 1, FLAGS.seed)[0]
        latents = sweep_latents(base, parse_settings(FLAGS.set, config), sweep, config)
        request = run.Request(
            layers=FLAGS.layers,
            outputs=(0, len(latents)),
            keep_audio=FLAGS.audio,
            num_processes=cli.num_processes(FLAGS),
        )
        record = cli.run_record(FLAGS)
        record["statistics"] = dataclasses.asdict(StatisticsSettings())
        record["vary"] = {"name": sweep.name, "values": sweep.values}
        progress = functools.partial(cli.progress, label="interpolating")
        inputs = sources.Latents(latents)
        run.write_run(directory, opened, inputs, request, plan, record, progress)
        derived.write_statistics(directory)
        figures.draw_interpolation_figure(directory)
        complaints = derived.complaints(directory)
    cli.finish(FLAGS.out_dir, complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
