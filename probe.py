"""Shows what each layer of a Generator encodes: averages, sounds, measurements, figures.

  python probe.py --ckpt=train/digits --n=25 --out_dir=probe_out
  python probe.py --ckpt=model.ckpt-12255 --set=z11=-15

Generates --n outputs, averages the feature maps of each layer after ReLU, and measures the result
with Praat on the voiced intervals of the output. Writes to --out_dir: config.json, latents.csv,
series.npz, audio/, measurements.csv, correlations.csv, figures/.
"""

import functools

from absl import flags

from wavegan_tf import cli
from wavegan_tf.errors import InputError
from wavegan_tf.latents import apply_settings, load_latents, parse_settings, sample_latents

cli.define_checkpoint_flags()
cli.define_latent_flags()
flags.DEFINE_integer("n", 25, "Outputs to generate.", lower_bound=1)
flags.DEFINE_string("latents", None, "Latent vectors instead, one a row: a .npy or .csv file.")
flags.DEFINE_integer("max_figures", 4, "Outputs to draw, from the first on.", lower_bound=0)
cli.define_measurement_flags()
cli.define_output_flags("probe_out")

FLAGS = flags.FLAGS


def choose_latents(config):
    """The latent vectors that the flags describe, [n, latent_dim]."""
    if FLAGS.latents is None:
        latents = sample_latents(config, FLAGS.n, FLAGS.seed)
    elif FLAGS["n"].present or FLAGS["seed"].present:
        raise InputError("--latents gives the vectors; leave out --n and --seed")
    else:
        latents = load_latents(FLAGS.latents, config)
    return apply_settings(latents, parse_settings(FLAGS.set, config), config)


def main():
    """Probes a checkpoint."""
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        settings = cli.acoustic_settings(FLAGS)
        from wavegan_tf import probing
        from wavegan_tf.checkpoints.open import open_checkpoint
        from wavegan_tf.report import figures

        opened = open_checkpoint(FLAGS.ckpt, cli.checkpoint_overrides(FLAGS))
        config = opened.config
        layers = probing.choose_layers(FLAGS.layers, config)
        latents = choose_latents(config)
        print(config.layer_table())
        record = cli.run_record(FLAGS)
        progress = functools.partial(cli.progress, total=len(latents), label="probing")
        probing.write_run(directory, opened, latents, layers, settings, record, progress)
        figures.draw_probe_figures(directory, FLAGS.max_figures)
        cli.print_correlations(directory)
    print(f"written to {FLAGS.out_dir}")


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
