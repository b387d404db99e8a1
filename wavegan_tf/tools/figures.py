"""Draws the figures of a run again, from its files alone.

  python -m wavegan_tf.tools.figures probe_out
  python -m wavegan_tf.tools.figures --out_dir=probe_out --max_figures=10

Writes OUT_DIR/figures/, PNG and PDF, as the command did that made the run.
"""

import sys

from absl import flags

from wavegan_tf import cli

flags.DEFINE_string(
    "out_dir", None, "A directory that a command wrote; may be given as the first argument."
)
flags.DEFINE_integer(
    "max_figures",
    4,
    "Outputs (or bases of an interpolation) to draw one by one, from the first on.",
    lower_bound=0,
)
flags.mark_flag_as_required("out_dir")

FLAGS = flags.FLAGS


def main():
    """Draws the figures of a run."""
    from wavegan_tf.report import figures

    paths = figures.draw_figures(FLAGS.out_dir, FLAGS.max_figures)
    print(f"{len(paths)} files in {FLAGS.out_dir}/figures")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.argv[1] = f"--out_dir={sys.argv[1]}"
    cli.run(main)
