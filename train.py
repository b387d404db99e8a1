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
from collections.abc import Callable

from absl import flags

from wavegan_tf import cli
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import FORMS, MODELS, STRIDES, UPSAMPLES, ModelConfig
from wavegan_tf.progress import progress

NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}  # the original's defaults

flags.DEFINE_enum("model", "wavegan", MODELS, "wavegan, ciwgan (one-hot) or fiwgan (binary code).")
flags.DEFINE_string("train_dir", None, "Run directory: checkpoints, metrics.", required=True)
flags.DEFINE_integer(
    "train_steps", 0, "Step to stop at (Generator updates); 0: until stopped.", lower_bound=0
)
flags.DEFINE_string(
    "init_ckpt",
    None,
    "Checkpoint, ours or the original's, to begin a new run from: weights, optimisers, step.",
)
flags.DEFINE_integer(
    "seed",
    0,
    "Of initial weights, latents and the order of the data; another one, given to a run that goes "
    "on, holds from there.",
)
flags.DEFINE_bool(
    "deterministic",
    False,
    "Equal commands give equal weights to the bit on one machine, however often interrupted.",
)

flags.DEFINE_string(
    "data_dir", None, "Folder of audio: WAV, AIFF, NIST SPHERE, FLAC, MP3, OGG.", required=True
)
flags.DEFINE_integer("data_sample_rate", 16000, "Audio is resampled to this rate, Hz.")
flags.DEFINE_integer("data_slice_len", 16384, "Samples of a slice: 16384, 32768 or 65536.")
flags.DEFINE_integer("data_num_channels", 1, "Channels: 1 mono, 2 stereo.")
flags.DEFINE_float("data_overlap_ratio", 0.0, "Overlap of a file's slices, 0 .. 1 (1 excluded).")
flags.DEFINE_bool("data_first_slice", False, "Only each file's first slice, zero-padded.")
flags.DEFINE_bool("data_pad_end", False, "Zero-pad a file's last slice instead of dropping it.")

flags.DEFINE_string(
    "data_cache", None, "Folder that keeps decoded samples, so that no later start decodes them."
)
flags.DEFINE_float(
    "data_holdout",
    0.0,
    "Share of the recordings held out for a Wasserstein estimate, 0 .. 1 (1 excluded).",
)

flags.DEFINE_integer("num_categ", None, "Variables of the code; 10 for ciwgan, 3 for fiwgan.")
flags.DEFINE_integer("wavegan_latent_dim", 100, "Latent variables, the code included.")
flags.DEFINE_integer("wavegan_kernel_len", 25, "Length of the filters, samples.")
flags.DEFINE_integer("wavegan_dim", 64, "Width of the networks.")
flags.DEFINE_integer("wavegan_stride", 4, f"Stride of a layer, one of {STRIDES}; 2: deeper model.")
flags.DEFINE_bool("wavegan_batchnorm", False, "Batch normalisation.")
flags.DEFINE_integer("wavegan_disc_nupdates", 5, "Discriminator updates in a step.")
flags.DEFINE_string("wavegan_loss", "wgan-gp", "wgan-gp, wgan, lsgan or dcgan.")
flags.DEFINE_enum("wavegan_genr_upsample", "zeros", UPSAMPLES, "Generator upsampling.")
flags.DEFINE_bool("wavegan_genr_pp", False, "Post filter on the Generator's audio.")
flags.DEFINE_integer("wavegan_genr_pp_len", 512, "Length of the post filter, samples.")
flags.DEFINE_integer("wavegan_disc_phaseshuffle", 2, "Largest phase shuffle, samples; 0: off.")

flags.DEFINE_integer("train_batch_size", 64, "Examples in an update.")
flags.DEFINE_float(
    "train_save_secs", 300, "Seconds between checkpoints; 0: not by time.", lower_bound=0
)
flags.DEFINE_integer(
    "train_save_steps", 0, "Steps between checkpoints; 0: not by step.", lower_bound=0
)
flags.DEFINE_integer("train_keep", 5, "Newest checkpoints to keep; 0: all.", lower_bound=0)
flags.DEFINE_float(
    "keep_every_hours",
    0,
    "Hours between checkpoints kept for good, in the run's backups/; 0: none.",
    lower_bound=0,
)
flags.DEFINE_float(
    "train_summary_secs", 120, "Seconds between summaries; 0: not by time.", lower_bound=0
)
flags.DEFINE_integer(
    "train_summary_steps", 0, "Steps between summaries; 0: not by step.", lower_bound=0
)

flags.DEFINE_enum(
    "conv",
    "auto",
    ("auto", *FORMS),
    "How convolutions are computed: keras, the plain layers; matmul, as matrix products; mixed, as "
    "products and stride-free convolutions, whichever is faster on a CPU. auto: mixed on a CPU, "
    "keras on a GPU, matmul with --xla.",
)
flags.DEFINE_enum(
    "precision",
    "float32",
    ("float32", "bfloat16"),
    "Of the products in convolutions; variables, penalty and losses are float32.",
)
flags.DEFINE_bool("xla", False, "Compile gradients with XLA; on a CPU it is slower.")
flags.DEFINE_enum(
    "strategy",
    "auto",
    ("auto", "one", "mirrored", "multi_worker"),
    "Replicas: one; mirrored, on every GPU of this machine; multi_worker, on every process of "
    "TF_CONFIG. auto chooses by TF_CONFIG and the number of GPUs.",
)

NUM_HELD_OUT = 256  # slices, at most

FLAGS = flags.FLAGS


def model_config() -> ModelConfig:
    """The architecture that the flags describe."""
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


def starting_point(config: ModelConfig, training, is_chief: bool):
    """The checkpoint to go on from: the run directory's own, or --init_ckpt; None for neither."""
    from wavegan_tf.checkpoints import files, lock, open, run, upkeep

    directory = FLAGS.train_dir
    run_config = run.read_run_config(directory)
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


def record_run(config: ModelConfig, training, step: int) -> None:
    """Writes the run's config.json, or adds to it what is different from this step on."""
    from wavegan_tf.checkpoints import run

    now = cli.run_record(FLAGS)
    run_config = run.read_run_config(FLAGS.train_dir)
    if run_config is None:
        run_config = now | {"model": config, "training": dataclasses.asdict(training)}
        run.write_run_config(FLAGS.train_dir, run_config | {"resumed": []})
        return
    last = [run_config, *run_config["resumed"]][-1]
    if any(last[key] != now[key] for key in ("flags", "versions")):
        run_config["resumed"].append(now | {"step": step})
        run.write_run_config(FLAGS.train_dir, run_config)


def stop_on_signal() -> Callable[[], bool]:
    """Says whether SIGINT or SIGTERM came; a second one ends the program at once."""
    received = []

    def note(number, frame):
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(received)


def describe(scalars: dict) -> str:
    """The losses of a step as text."""
    losses = {name: value for name, value in scalars.items() if name.endswith("_loss")}
    return "  ".join(f"{name} {value:.4g}" for name, value in losses.items())


def schedule_of_flags():
    """When to stop, save and summarise, by the flags."""
    from wavegan_tf.training.loop import Schedule

    return Schedule(
        train_steps=FLAGS.train_steps,
        save_secs=FLAGS.train_save_secs,
        save_steps=FLAGS.train_save_steps,
        summary_secs=FLAGS.train_summary_secs,
        summary_steps=FLAGS.train_summary_steps,
        keep=FLAGS.train_keep,
        keep_every_hours=FLAGS.keep_every_hours,
    )


def training_of_flags():
    """How to train, by the flags."""
    from wavegan_tf.training.trainer import TrainingConfig

    return TrainingConfig(
        loss=FLAGS.wavegan_loss,
        batch_size=FLAGS.train_batch_size,
        disc_nupdates=FLAGS.wavegan_disc_nupdates,
        seed=FLAGS.seed,
        conv=FLAGS.conv,
        precision=FLAGS.precision,
        xla=FLAGS.xla,
    )


def read_data(config: ModelConfig):
    """Looks through --data_dir; the store of its samples, and the report."""
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


def record_data(report) -> None:
    """Writes data.json, what was found in --data_dir; warns where the last start found other."""
    from wavegan_tf.checkpoints import disk

    path = os.path.join(FLAGS.train_dir, "data.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = json.load(file).get("fingerprint")
        if before != report.fingerprint:
            logging.getLogger("wavegan_tf").warning(
                "--data_dir=%s: other recordings than at the last start: from here on the order "
                "of the data is a new one",
                FLAGS.data_dir,
            )
    disk.write_text(path, json.dumps(report.to_dict(), indent=1) + "\n")


def run_training(config: ModelConfig, strategy) -> None:
    """Trains, from the start or from where the run directory stands."""
    from wavegan_tf.data.preflight import split_holdout
    from wavegan_tf.data.stream import SliceSource
    from wavegan_tf.training.strategy import check_agreement, worker_place
    from wavegan_tf.training.trainer import Trainer

    training = training_of_flags()
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
        record_run(config, training, trainer.step)
        record_data(report)
        print(config.layer_table())
        holdout = None
        if held_out:
            one = SliceSource(held_out, store, batch_size=1, seed=trainer.seed)
            holdout = one.sample(NUM_HELD_OUT)
        with make_watcher(trainer, source.slices_per_epoch, holdout) as watcher:
            run_steps(trainer, batches, watcher.write, saves=True)
    else:
        run_steps(trainer, batches, None, saves=False)
    if trainer.step < (FLAGS.train_steps or trainer.step + 1):
        sys.exit(f"stopped and saved at step {trainer.step}; the same command goes on from there")
    print(f"{FLAGS.train_dir}: at step {trainer.step}")


def make_watcher(trainer, slices_per_epoch: int, holdout):
    """Opens what the training writes beside its checkpoints, and says how to look at it."""
    from wavegan_tf.watching.watcher import Watcher

    watcher = Watcher(
        FLAGS.train_dir,
        trainer.networks,
        trainer.config,
        trainer.seed,
        step=trainer.step,
        loss=trainer.training.loss,
        batch_size=trainer.training.batch_size,
        disc_nupdates=trainer.training.disc_nupdates,
        num_slices=slices_per_epoch,
        holdout=holdout,
    )
    print(f"tensorboard --logdir={FLAGS.train_dir} --samples_per_plugin=images=100,audio=30")
    return watcher


def run_steps(trainer, batches, summarize, saves: bool) -> None:
    """Runs the loop to its end, or to a signal to any of the workers."""
    import tensorflow as tf

    from wavegan_tf.training.loop import train
    from wavegan_tf.training.strategy import make_sum, worker_place

    wanted, add = stop_on_signal(), make_sum(trainer.strategy)
    steps = train(
        trainer,
        batches,
        FLAGS.train_dir,
        schedule_of_flags(),
        stopped=lambda: add(int(wanted())) > 0,  # all workers leave together
        summarize=summarize,
        saves=saves,
    )
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


def main():
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


if __name__ == "__main__":
    cli.run(main)
