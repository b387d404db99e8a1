"""Converts a checkpoint between this package's runs and the original's.

  python -m wavegan_tf convert_checkpoint --ckpt=ours --to=original --out_dir=theirs
  python -m wavegan_tf convert_checkpoint --ckpt=theirs --to=native --out_dir=run

Both hold the same variables under the same names, optimiser slots included, and a round trip
changes none. --to=original writes model.ckpt-STEP, checkpoint and args.txt, --to=native a run
directory: model.ckpt-STEP, checkpoint and config.json, which all commands open without further
flags and train.py goes on from. With --generator_only the Generator's weights alone are kept:
enough to probe, small enough to hand on, and nothing to go on training from.
"""

import os

from absl import flags

from wavegan_tf.commands.flags import define_path
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import MODELS
from wavegan_tf.output.versions import run_record

GROUPS = dict.fromkeys(("ckpt", "to", "out_dir", "generator_only", "overwrite"), "Basics")
GROUPS |= dict.fromkeys(("model", "data_slice_len", "num_categ"), "Model")

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    ckpt = "Checkpoint to convert: a run directory (its newest one), or a prefix such as "
    define_path("ckpt", None, f"{ckpt}train/model.ckpt-12255.", required=True)
    flags.DEFINE_enum("to", "original", ("original", "native"), "Format to write.")
    out_dir = "Directory for the result; made if missing."
    define_path("out_dir", None, out_dir, required=True)
    flags.DEFINE_bool("generator_only", False, "Only the Generator's weights and step are kept.")
    flags.DEFINE_bool("overwrite", False, "Replacement of results in an out_dir that is not empty.")
    unsaid = "where an original's files do not say it."
    flags.DEFINE_enum("model", None, MODELS, f"Variant of the model, {unsaid}")
    flags.DEFINE_integer("data_slice_len", None, f"Samples of audio, {unsaid}")
    flags.DEFINE_integer("num_categ", None, f"Number of code variables, {unsaid}")


def main() -> None:
    """Converts a checkpoint."""
    from wavegan_tf.checkpoints import files, names, original, run
    from wavegan_tf.checkpoints.open import open_checkpoint
    from wavegan_tf.output.directory import output_directory

    given = {"model": FLAGS.model, "slice_len": FLAGS.data_slice_len, "num_categ": FLAGS.num_categ}
    opened = open_checkpoint(FLAGS.ckpt, {name: x for name, x in given.items() if x is not None})
    checkpoint = opened.checkpoint
    if os.path.realpath(checkpoint.directory) == os.path.realpath(FLAGS.out_dir):
        raise InputError(
            f"--out_dir={FLAGS.out_dir}: holds --ckpt itself, which would be lost; name another"
        )
    with output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
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
                record = run_record(
                    "convert_checkpoint", {name: FLAGS[name].value for name in GROUPS}
                )
                record |= {"model": opened.config, "original_args": args, "resumed": []}
                if "wavegan_loss" in args:
                    record["training"] = {"loss": args["wavegan_loss"]}
            run.write_run_config(directory, record)
        files.write_checkpoint(directory, values, opened.step)
    print(f"{FLAGS.out_dir}: step {opened.step}, {len(values)} variables")
