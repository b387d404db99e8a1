"""Trains a WaveGAN, ciwGAN or fiwGAN on a folder of speech.

  python train.py --model=ciwgan --data_dir=DIR --data_first_slice --train_dir=train/digits

Writes to --train_dir: config.json, data.json (what was found in --data_dir), checkpoints
model.ckpt-STEP in the original's format, metrics.jsonl, previews/, and TensorBoard summaries
(tensorboard --logdir=DIR). The same command again goes on exactly where it stopped. Ctrl-C or
SIGTERM saves and leaves after the current update.
"""

import contextlib
import dataclasses
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from wavegan_tf.commands.record import run_record
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import FORMS, MODELS, STRIDES, UPSAMPLES, ModelConfig
from wavegan_tf.progress import progress

if TYPE_CHECKING:  # these import TensorFlow
    import tensorflow as tf

    from wavegan_tf.checkpoints.files import Checkpoint
    from wavegan_tf.data.clips import ClipStore
    from wavegan_tf.data.preflight import Report
    from wavegan_tf.training.trainer import Trainer, TrainingConfig

NAME = "train"
HELP = "Train a WaveGAN, ciwGAN or fiwGAN on a folder of speech."
GROUPS: dict[str, str] = {}

NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}  # the original's defaults
NUM_HELD_OUT = 256  # slices, at most

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


def training_config() -> "TrainingConfig":
    """Reads off the flags how to train."""
    from wavegan_tf.training.trainer import TrainingConfig

    return TrainingConfig(
        loss=FLAGS.wavegan_loss,
        batch_size=FLAGS.train_batch_size,
        disc_nupdates=FLAGS.wavegan_disc_nupdates,
        seed=FLAGS.seed,
        learning_rate=FLAGS.learning_rate,
        conv=FLAGS.conv,
        precision=FLAGS.precision,
        xla=FLAGS.xla,
    )


def starting_point(
    config: ModelConfig, training: "TrainingConfig", is_chief: bool
) -> "Checkpoint | None":
    """Finds the checkpoint to go on from: the run directory's own, or --init_ckpt."""
    from wavegan_tf.checkpoints import files, lock, open, run, upkeep

    directory = FLAGS.train_dir
    run_config = run.read_run_config(directory)
    checkpoint: Checkpoint | None
    if run_config is None:
        if os.path.isdir(directory) and set(os.listdir(directory)) - {lock.LOCK_FILE}:
            raise InputError(
                f"--train_dir={directory}: not empty and no run of this package (no config.json); "
                "name another; to go on from an original's run add --init_ckpt="
                f"{directory}"
            )
        if not FLAGS.init_ckpt:
            return None
        checkpoint = files.Checkpoint(files.find_prefix(FLAGS.init_ckpt, flag="init_ckpt"))
        theirs, _ = open.read_config(checkpoint, {"model": FLAGS.model})
        differences = config.differences(theirs)
        where = f"--init_ckpt={FLAGS.init_ckpt}"
    else:
        if is_chief:
            upkeep.remove_remains(directory)
        checkpoint = files.newest_whole(directory)
        differences = config.differences(run_config["model"])
        then = run_config.get("training", {}).get("loss", training.loss)
        if then != training.loss:
            differences.append(f"loss: {training.loss}, {then}")
        where = f"--train_dir={directory}"
    if differences:
        raise InputError(
            f"{where}: the flags describe another model than was trained there (flags, there): "
            f"{'; '.join(differences)}; repeat its flags, or name a new --train_dir"
        )
    if checkpoint is not None and not any(name.startswith("D/") for name in checkpoint.shapes):
        raise InputError(
            f"{where}: holds the Generator alone (convert_checkpoint --generator_only): enough to "
            "probe, not to train; give the whole checkpoint"
        )
    return checkpoint


def record_run(trainer: "Trainer", checkpoint: "Checkpoint | None") -> None:
    """Writes the run's config.json, or adds to it what is different from this step on."""
    from wavegan_tf.checkpoints import run

    now = run_record(NAME, {name: FLAGS[name].value for name in GROUPS})
    now["training"] = dataclasses.asdict(trainer.training)
    run_config = run.read_run_config(FLAGS.train_dir)
    if run_config is None:
        begun_from = run.read_run_config(checkpoint.directory) if checkpoint else None
        run_config = now | {"model": trainer.config, "resumed": []}
        if begun_from and "measuring" in begun_from:
            run_config["measuring"] = begun_from["measuring"]
        run.write_run_config(FLAGS.train_dir, run_config)
        return
    last = [run_config, *run_config["resumed"]][-1]
    if any(last[key] != now[key] for key in ("flags", "versions")):
        run_config["resumed"].append(now | {"step": trainer.step})
        run.write_run_config(FLAGS.train_dir, run_config)


def stop_on_signal() -> Callable[[], bool]:
    """Makes a function that says whether SIGINT or SIGTERM came; a second one ends at once."""
    received = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(received)


def describe(scalars: Any) -> str:
    """Writes the losses among a step's scalars as text."""
    losses = {name: value for name, value in scalars.items() if name.endswith("_loss")}
    return "  ".join(f"{name} {value:.4g}" for name, value in losses.items())


def read_data(config: ModelConfig) -> "tuple[ClipStore, Report]":
    """Looks through --data_dir; returns the store of its samples, and the report."""
    from wavegan_tf.data.clips import ClipStore
    from wavegan_tf.data.preflight import preflight
    from wavegan_tf.data.slices import SliceConfig

    slices = SliceConfig(
        slice_len=config.slice_len,
        sample_rate_hz=config.sample_rate,
        num_channels=config.num_channels,
        first_slice=FLAGS.data_first_slice,
        overlap_ratio=FLAGS.data_overlap_ratio,
        pad_end=FLAGS.data_pad_end,
    )
    store = ClipStore(slices, FLAGS.data_cache)
    report = preflight(
        FLAGS.data_dir, store, lambda items, total: progress(items, total, "reading data")
    )
    print("\n".join(report.lines()))
    return store, report


def record_data(report: "Report") -> None:
    """Writes data.json, what was found in --data_dir; warns where the last start found other."""
    from wavegan_tf.checkpoints import disk

    path = os.path.join(FLAGS.train_dir, "data.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = json.load(file).get("fingerprint")
        if before != report.fingerprint:
            logging.getLogger("wavegan_tf").warning(
                f"--data_dir={FLAGS.data_dir}: other recordings than at the last start: from here "
                "on the order of the data is a new one"
            )
    disk.write_text(path, json.dumps(report.to_dict(), indent=1) + "\n")


def run_training(config: ModelConfig, strategy: "tf.distribute.Strategy") -> None:
    """Trains, from the start or from where the run directory stands."""
    from wavegan_tf.data.preflight import split_holdout
    from wavegan_tf.data.stream import SliceSource
    from wavegan_tf.model import layers_table
    from wavegan_tf.training.monitor import Monitor
    from wavegan_tf.training.strategy import check_agreement, worker_place
    from wavegan_tf.training.trainer import Trainer

    training = training_config()
    shard = worker_place(strategy)
    is_chief = shard[0] == 0
    checkpoint = starting_point(config, training, is_chief)
    store, report = read_data(config)
    trainer = Trainer(config, training, strategy)
    if checkpoint is not None:
        trainer.restore(checkpoint)
        if FLAGS["seed"].present:
            trainer.seed = FLAGS.seed
    recordings, held_out = split_holdout(report.recordings, FLAGS.data_holdout, trainer.seed)
    source = SliceSource(recordings, store, batch_size=training.batch_size, seed=trainer.seed)
    batches = source.batches(trainer.batches_used, shard)
    place = [trainer.step, trainer.update, trainer.seed]
    check_agreement(strategy, {"its place": place, "its data": report.fingerprint})
    if is_chief:
        record_run(trainer, checkpoint)
        record_data(report)
        print(layers_table(config.layers).to_string(index=False))
        holdout = None
        if held_out:
            one = SliceSource(held_out, store, batch_size=1, seed=trainer.seed)
            holdout = one.sample(NUM_HELD_OUT)
        monitor = Monitor(FLAGS.train_dir, trainer, source.slices_per_epoch, holdout)
        with contextlib.closing(monitor):
            print(
                f"tensorboard --logdir={FLAGS.train_dir} --samples_per_plugin=images=100,audio=30"
            )
            run_steps(trainer, batches, monitor.write, saves=True)
    else:
        run_steps(trainer, batches, None, saves=False)
    if trainer.step < (FLAGS.train_steps or trainer.step + 1):
        sys.exit(f"stopped and saved at step {trainer.step}; the same command goes on from there")
    print(f"{FLAGS.train_dir}: at step {trainer.step}")


def run_steps(
    trainer: "Trainer", batches: Iterator, summarize: Callable | None, saves: bool
) -> None:
    """Runs the loop to its end, or to a signal to any of the workers."""
    import tensorflow as tf

    from wavegan_tf.training.loop import Schedule, train
    from wavegan_tf.training.strategy import make_sum, worker_place

    schedule = Schedule(
        train_steps=FLAGS.train_steps,
        save_secs=FLAGS.train_save_secs,
        save_steps=FLAGS.train_save_steps,
        summary_secs=FLAGS.train_summary_secs,
        summary_steps=FLAGS.train_summary_steps,
        keep=FLAGS.train_keep,
        keep_every_hours=FLAGS.keep_every_hours,
    )
    wanted, add = stop_on_signal(), make_sum(trainer.strategy)

    def stopped() -> bool:  # all workers leave together
        return add(int(wanted())) > 0

    steps = train(trainer, batches, FLAGS.train_dir, schedule, stopped, summarize, saves)
    try:
        for _ in progress(steps, FLAGS.train_steps or None, "training", trainer.step, describe):
            pass
    except tf.errors.OpError as error:
        worker, num_workers = worker_place(trainer.strategy)
        if num_workers == 1:
            raise
        raise InputError(
            f"worker {worker} of {num_workers}: another has left ({error.message}); start all of "
            "them again: they go on from the newest checkpoint"
        ) from None


def main() -> None:
    """Trains, as the only process, or the only chief, in the run directory."""
    config = model_config()
    # TensorFlow only after the flags are known to be good.
    from wavegan_tf.checkpoints.lock import run_lock
    from wavegan_tf.training.determinism import make_deterministic
    from wavegan_tf.training.strategy import make_strategy, worker_place

    if FLAGS.deterministic:
        make_deterministic()
    strategy = make_strategy(FLAGS.strategy)
    is_chief = worker_place(strategy)[0] == 0
    with run_lock(FLAGS.train_dir) if is_chief else contextlib.nullcontext():
        run_training(config, strategy)
