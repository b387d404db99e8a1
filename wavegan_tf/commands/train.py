"""Trains a WaveGAN, ciwGAN or fiwGAN on a folder of speech.

  python train.py --model=ciwgan --data_dir=DIR --data_first_slice --train_dir=train/digits

Writes to --train_dir: config.json, data.json (what was found in --data_dir), checkpoints
model.ckpt-STEP in the original's format, metrics.jsonl, previews/, and TensorBoard summaries
(tensorboard --logdir=DIR). The same command again goes on exactly where it stopped. Ctrl-C or
SIGTERM saves and leaves after the current update.
"""

from absl import flags

from wavegan_tf.commands.flags import define_options, read_options
from wavegan_tf.options import build
from wavegan_tf.output.versions import run_record
from wavegan_tf.training.options import Options

GROUPS = dict.fromkeys(("data_dir", "train_dir"), "Basics")  # before the others in --help
NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}  # the original's defaults

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    GROUPS.update(define_options(Options))
    flags.mark_flags_as_required(["data_dir", "train_dir"])
    text = "Length of the post filter in samples."
    flags.DEFINE_bool("wavegan_genr_pp", False, "Use a post filter on the Generator's audio.")
    flags.DEFINE_integer("wavegan_genr_pp_len", 512, text, lower_bound=1)
    GROUPS.update(wavegan_genr_pp="Model", wavegan_genr_pp_len="Model")


def main() -> None:
    """Trains, from the start or from where the run directory stands."""
    given = {"num_categ": NUM_CATEG[FLAGS.model]} | read_options(Options, FLAGS)
    given["postfilter_len"] = FLAGS.wavegan_genr_pp_len if FLAGS.wavegan_genr_pp else 0
    options = build(Options, given)
    # TensorFlow only after the flags are known to be good.
    from wavegan_tf.model import layers_table
    from wavegan_tf.training.session import run_training

    print(layers_table(options.architecture.every_layer).to_string(index=False))
    record = run_record("train", {name: FLAGS[name].value for name in GROUPS})
    run_training(options, record, FLAGS.seed if FLAGS["seed"].present else None)
