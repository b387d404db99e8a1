"""Converts a checkpoint between this package's runs, the original's and the PyTorch port's.

  python -m wavegan_tf convert_checkpoint --ckpt=ours --to=original --out_dir=theirs
  python -m wavegan_tf convert_checkpoint --ckpt=theirs --to=native --out_dir=run

The first two hold the same variables under the same names, optimiser slots included, and a round
trip changes none. --to=original writes model.ckpt-STEP, checkpoint and args.txt, --to=native a run
directory: model.ckpt-STEP, checkpoint and config.json, which all commands open without further
flags and train.py goes on from. --to=torch writes a file per network, epoch0_stepSTEP_G.pt, without
optimisers; the port's layers hold the models that were trained with it, and no others. With
--generator_only the Generator's weights alone are kept: enough to probe, small enough to hand on,
and nothing to go on training from.
"""

import os

import numpy as np
from absl import flags

from wavegan_tf.commands.flags import define_path, define_unsaid_flags, read_unsaid_flags
from wavegan_tf.errors import InputError
from wavegan_tf.output.versions import run_record

GROUPS = dict.fromkeys(("ckpt", "to", "out_dir", "generator_only", "overwrite"), "Basics")

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    ckpt = "Checkpoint to convert: a run directory (its newest checkpoint), a prefix such as "
    ckpt += "train/model.ckpt-12255, or a file of the PyTorch port."
    define_path("ckpt", None, ckpt, required=True)
    flags.DEFINE_enum("to", "original", ("original", "native", "torch"), "Format to write.")
    out_dir = "Directory for the result; created if missing."
    define_path("out_dir", None, out_dir, required=True)
    flags.DEFINE_bool("generator_only", False, "Write only the Generator's weights and the step.")
    flags.DEFINE_bool("overwrite", False, "Replace the results in an --out_dir that is not empty.")
    GROUPS.update(define_unsaid_flags())


def main() -> None:
    """Converts a checkpoint."""
    from wavegan_tf.checkpoints import files, names, original, port, run
    from wavegan_tf.checkpoints.open import open_checkpoint
    from wavegan_tf.output.directory import output_directory

    opened = open_checkpoint(FLAGS.ckpt, read_unsaid_flags())
    checkpoint = opened.checkpoint
    if os.path.realpath(checkpoint.directory) == os.path.realpath(FLAGS.out_dir):
        raise InputError(
            f"--out_dir={FLAGS.out_dir}: contains --ckpt itself, which would be lost; name another "
            "directory"
        )
    with output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        if FLAGS.to == "torch":
            networks = opened.networks[: 1 if FLAGS.generator_only else None]
            written = port.write(directory, networks, opened.config, opened.step)
            print(f"{FLAGS.out_dir}: {', '.join(written)}")
            return
        if FLAGS.to == "original" and opened.config.of_port:
            raise InputError(
                f"--to=original: {FLAGS.ckpt} has the layers of the PyTorch port, which the "
                "original cannot hold; use --to=native or --to=torch"
            )
        kept = [n for n in checkpoint.shapes if n not in names.OURS or FLAGS.to == "native"]
        if FLAGS.generator_only:
            wanted = {files.STEP, *names.network_variables([opened.networks.generator])}
            kept = [name for name in kept if name in wanted]
        values = {name: checkpoint.read(name) for name in kept}
        values.setdefault(files.STEP, np.asarray(opened.step, np.int64))
        ours = opened.origin == run.CONFIG_FILE
        args = original.training_args(checkpoint.directory) if not opened.config.of_port else {}
        if FLAGS.to == "original":
            original.write_args(directory, opened.config, args)
        else:
            record = run.read_run_config(checkpoint.directory) if ours else None
            if record is None:
                record = run_record(
                    "convert_checkpoint", {name: FLAGS[name].value for name in GROUPS}
                )
                record |= {"model": opened.config, "original_args": args, "resumed": []}
                if "wavegan_loss" in args:
                    record["training"] = {"loss": args["wavegan_loss"]}
            run.write_run_config(directory, record)
        files.write_checkpoint(directory, values, opened.step)
    print(f"{FLAGS.out_dir}: step {opened.step}, {len(values)} variables")
