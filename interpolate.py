"""Moves one latent variable, all others frozen, and follows the effect through every layer.

  python interpolate.py --ckpt=train/digits --vary=z11=-15:5:2 --out_dir=interpolate_out
  python interpolate.py --ckpt=train/digits --vary=c2=0:2:0.25 --set=c1=0

Writes to --out_dir the files of probe.py, one row per step, and figures/interpolation.png: a panel
per layer, a line per step.
"""

import functools

from absl import flags

from wavegan_tf import cli
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
        settings = cli.acoustic_settings(FLAGS)
        from wavegan_tf import probing
        from wavegan_tf.checkpoints.open import open_checkpoint
        from wavegan_tf.report import figures

        opened = open_checkpoint(FLAGS.ckpt, cli.checkpoint_overrides(FLAGS))
        config = opened.config
        layers = probing.choose_layers(FLAGS.layers, config)
        sweep = parse_sweep(FLAGS.vary, config)
        base = sample_latents(config, 1, FLAGS.seed)[0]
        latents = sweep_latents(base, parse_settings(FLAGS.set, config), sweep, config)
        print(config.layer_table())
        record = cli.run_record(FLAGS)
        record["vary"] = {"name": sweep.name, "values": sweep.values}
        progress = functools.partial(cli.progress, total=len(latents), label="interpolating")
        probing.write_run(directory, opened, latents, layers, settings, record, progress)
        figures.draw_interpolation_figure(directory)
    print(f"written to {FLAGS.out_dir}")


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
