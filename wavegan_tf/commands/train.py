"""Trains a WaveGAN, ciwGAN or fiwGAN on a folder of speech.

  python train.py --model=ciwgan --data_dir=DIR --data_first_slice --train_dir=train/digits

Writes to --train_dir: config.json, data.json (what was found in --data_dir), checkpoints
model.ckpt-STEP in the original's format, metrics.jsonl, previews/, and TensorBoard summaries
(tensorboard --logdir=DIR). The same command again goes on exactly where it stopped. Ctrl-C or
SIGTERM saves and leaves after the current update.
"""

from typing import Any

from absl import flags

from wavegan_tf.models.config import FORMS, MODELS, STRIDES, UPSAMPLES, ModelConfig
from wavegan_tf.output.versions import run_record

GROUPS: dict[str, str] = {}

NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}  # the original's defaults

FLAGS = flags.FLAGS


def flag(
    group: str, name: str, default: Any, text: str, kind: type | None = None, **more: Any
) -> None:
    """Defines a flag of a group; its kind is that of the default unless given."""
    kind = kind or type(default)
    if "enum_values" in more:
        flags.DEFINE_enum(name, default, help=text, **more)
    else:
        define = {bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float}
        define.get(kind, flags.DEFINE_string)(name, default, text, **more)
    GROUPS[name] = group


def define_flags() -> None:
    """Defines the flags of the command."""
    # fmt: off
    flag("Basics", "data_dir", None, "Folder of recordings, in any audio format.", required=True)
    flag("Basics", "train_dir", None, "Run directory for checkpoints and metrics.", required=True)
    flag("Basics", "model", "wavegan",
         "Variant of the model: without a code, with a one-hot code, with a binary code.",
         enum_values=MODELS)
    flag("Basics", "num_categ", None,
         "Number of code variables; 10 for a ciwgan and 3 for a fiwgan unless given.", int)
    flag("Basics", "data_first_slice", False,
         "Only the first slice of each recording is used, padded with zeros.")
    flag("Basics", "data_slice_len", 16384, "Samples of a slice: 16384, 32768 or 65536.")
    flag("Basics", "train_steps", 0,
         "Step to stop at, in Generator updates; 0 goes on until stopped.", lower_bound=0)
    flag("Basics", "train_batch_size", 64, "Number of examples in an update.")
    flag("Basics", "wavegan_dim", 64, "Width of the networks; 64 in the papers.")
    flag("Basics", "seed", 0,
         "Seed of the initial weights, latents and order of the data; another one, given to a run "
         "that goes on, holds from there.")
    flag("Basics", "init_ckpt", None,
         "Checkpoint, ours or the original's, that a new run begins from: weights, optimisers and "
         "step.")
    flag("Model", "wavegan_latent_dim", 100, "Number of latent variables, the code included.")
    flag("Model", "wavegan_kernel_len", 25, "Length of the filters in samples.")
    flag("Model", "wavegan_stride", 4,
         f"Stride of a layer, one of {STRIDES}; 2 makes the deeper model of twice as many layers.")
    flag("Model", "wavegan_batchnorm", False, "Batch normalisation in all networks.")
    flag("Model", "wavegan_genr_upsample", "zeros",
         "Upsampling in the Generator: zeros (transposed convolution) or nn (nearest neighbour).",
         enum_values=UPSAMPLES)
    flag("Model", "wavegan_genr_pp", False, "Post filter on the Generator's audio.")
    flag("Model", "wavegan_genr_pp_len", 512, "Length of the post filter in samples.")
    flag("Model", "wavegan_disc_phaseshuffle", 2,
         "Largest phase shuffle in samples; 0 turns it off.")
    flag("Data", "data_sample_rate", 16000, "Rate in Hz that recordings are resampled to.")
    flag("Data", "data_num_channels", 1, "Number of channels: 1 mono, 2 stereo.")
    flag("Data", "data_overlap_ratio", 0.0, "Overlap of a recording's slices, from 0 to below 1.")
    flag("Data", "data_pad_end", False,
         "Zero padding of a recording's last slice, which is dropped otherwise.")
    flag("Data", "data_cache", None,
         "Folder that keeps decoded samples, so that no later start decodes them.")
    flag("Data", "data_holdout", 0.0,
         "Share of the recordings held out for a Wasserstein estimate, from 0 to below 1.")
    flag("Training", "wavegan_loss", "wgan-gp", "Loss: wgan-gp, wgan, lsgan or dcgan.")
    flag("Training", "wavegan_disc_nupdates", 5,
         "Number of Discriminator updates in a step, before the Generator's one.")
    flag("Training", "learning_rate", None,
         "Learning rate of Generator and Discriminator, the Q-network's is half of it; without the "
         "flag they are the original's, which depend on the loss (wgan-gp: 0.0001).", float)
    for name, default, text in (
        ("train_save_secs", 300.0, "Seconds between checkpoints; 0 saves none by time."),
        ("train_save_steps", 0, "Steps between checkpoints; 0 saves none by step."),
        ("train_keep", 5, "Number of newest checkpoints to keep; 0 keeps all."),
        ("keep_every_hours", 0.0,
         "Hours between checkpoints that are kept for good in the run's backups/; 0 keeps none."),
        ("train_summary_secs", 120.0, "Seconds between summaries; 0 writes none by time."),
        ("train_summary_steps", 0, "Steps between summaries; 0 writes none by step."),
    ):
        flag("Saving", name, default, text, lower_bound=0)
    flag("Machine", "deterministic", False,
         "Equal weights to the bit from equal commands on one machine, however often interrupted.")
    flag("Machine", "strategy", "auto",
         "Replicas: one; mirrored, on every GPU of this machine; multi_worker, on every process of "
         "TF_CONFIG or task of SLURM; auto chooses by TF_CONFIG and the number of GPUs.",
         enum_values=("auto", "one", "mirrored", "multi_worker"))
    flag("Machine", "conv", "auto",
         "Computation of convolutions: keras, the plain layers; matmul, as matrix products; mixed, "
         "as products and stride-free convolutions, whichever is faster on a CPU. auto: mixed on a "
         "CPU, keras on a GPU, matmul with --xla.", enum_values=("auto", *FORMS))
    flag("Machine", "precision", "float32",
         "Precision of the products in convolutions; variables, penalty and losses are float32.",
         enum_values=("float32", "bfloat16"))
    flag("Machine", "xla", False, "Compilation of gradients with XLA, which is slower on a CPU.")
    # fmt: on


def model_config() -> ModelConfig:
    """Reads the architecture off the flags."""
    num_categ = NUM_CATEG[FLAGS.model] if FLAGS.num_categ is None else FLAGS.num_categ
    return ModelConfig(
        model=FLAGS.model,
        slice_len=FLAGS.data_slice_len,
        sample_rate=FLAGS.data_sample_rate,
        num_channels=FLAGS.data_num_channels,
        dim=FLAGS.wavegan_dim,
        kernel_len=FLAGS.wavegan_kernel_len,
        stride=FLAGS.wavegan_stride,
        latent_dim=FLAGS.wavegan_latent_dim,
        num_categ=num_categ,
        batchnorm=FLAGS.wavegan_batchnorm,
        upsample=FLAGS.wavegan_genr_upsample,
        postfilter_len=FLAGS.wavegan_genr_pp_len if FLAGS.wavegan_genr_pp else 0,
        phaseshuffle=FLAGS.wavegan_disc_phaseshuffle,
    )


def main() -> None:
    """Trains, from the start or from where the run directory stands."""
    config = model_config()
    # TensorFlow only after the flags are known to be good.
    from wavegan_tf.model import layers_table
    from wavegan_tf.training.session import run_training

    print(layers_table(config.layers).to_string(index=False))
    run_training(FLAGS, config, run_record("train", {name: FLAGS[name].value for name in GROUPS}))
