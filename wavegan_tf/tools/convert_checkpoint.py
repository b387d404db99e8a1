"""Converts a checkpoint between this package's runs and the original's.

  python -m wavegan_tf.tools.convert_checkpoint --ckpt=ours --to=original --out_dir=theirs
  python -m wavegan_tf.tools.convert_checkpoint --ckpt=theirs --to=native --out_dir=run

Both hold the same variables under the same names, optimiser slots included, and a round trip
changes none. --to=original writes model.ckpt-STEP, checkpoint and args.txt, --to=native a run
directory: model.ckpt-STEP, checkpoint and config.json, which probe.py and interpolate.py open
without further flags and train.py goes on from. With --generator_only the Generator's weights alone
are kept: enough to probe, small enough to hand on, and nothing to go on training from.
"""

import os

from absl import flags

from wavegan_tf import cli
from wavegan_tf.errors import InputError

cli.define_checkpoint_flags(required=True)
cli.define_output_flags(None)
flags.DEFINE_enum("to", "original", ("original", "native"), "The format to write.")
flags.DEFINE_bool("generator_only", False, "Keep the Generator's weights and the step alone.")
flags.mark_flag_as_required("out_dir")

FLAGS = flags.FLAGS


def main():
    """Converts a checkpoint."""
    from wavegan_tf.checkpoints import files, names, original, run

    opened = cli.open_model(FLAGS)
    checkpoint = opened.checkpoint
    if os.path.realpath(checkpoint.directory) == os.path.realpath(FLAGS.out_dir):
        raise InputError(
            f"--out_dir={FLAGS.out_dir}: holds --ckpt itself, which would be lost; name another"
        )
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        kept = [n for n in checkpoint.shapes if n not in names.OURS or FLAGS.to == "native"]
        if FLAGS.generator_only:
            wanted = {names.STEP, *names.network_variables([opened.networks.generator])}
            kept = [name for name in kept if name in wanted]
        values = {name: checkpoint.read(name) for name in kept}
        args = original.training_args(checkpoint.directory)
        if FLAGS.to == "original":
            original.write_args(directory, opened.config, args)
        else:
            record = run.read_run_config(checkpoint.directory)  # of a run of ours
            if record is None:
                record = cli.run_record(FLAGS) | {"model": opened.config, "original_args": args}
                record["resumed"] = []
                if "wavegan_loss" in args:
                    record["training"] = {"loss": args["wavegan_loss"]}
            run.write_run_config(directory, record)
        files.write_checkpoint(directory, values, opened.step)
    print(f"{FLAGS.out_dir}: step {opened.step}, {len(values)} variables")


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
