"""Draws the figures and the page of a finished run again, from its files alone."""

from absl import flags

from wavegan_tf.commands.flags import define_path

GROUPS = {"run_dir": "Basics", "report": "Basics"}

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("run_dir", None, "Directory of a run, such as probe_out.", required=True)
    flags.DEFINE_bool("report", True, "Write the page report.html again too.")


def main() -> None:
    """Draws figures/ and writes report.html."""
    from pathlib import Path

    from wavegan_tf.experiments.result import load_run
    from wavegan_tf.processes import num_processes

    result = load_run(FLAGS.run_dir)
    result.draw(FLAGS.run_dir, num_processes())
    if FLAGS.report:
        from wavegan_tf.output.page import write_page

        write_page(Path(FLAGS.run_dir) / "report.html", result)
    print(f"{FLAGS.run_dir}: drawn {', '.join(result.figures) or 'nothing'}")
