"""One run of a training: data, run directory, loop, from the start to an orderly end."""

import contextlib
import dataclasses
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from wavegan_tf.checkpoints import disk, files, lock, port, run
from wavegan_tf.checkpoints.open import read_config
from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import Report, preflight, split_holdout
from wavegan_tf.data.stream import SliceSource
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress
from wavegan_tf.texts import read_json
from wavegan_tf.training.determinism import make_deterministic
from wavegan_tf.training.loop import train
from wavegan_tf.training.monitor import Monitor
from wavegan_tf.training.options import Options, Schedule, TrainingConfig
from wavegan_tf.training.strategy import check_agreement, make_strategy, make_sum, worker_place
from wavegan_tf.training.trainer import Trainer
from wavegan_tf.training.trial import Forms

NUM_HELD_OUT = 256  # slices, at most


def run_training(options: Options, record: dict[str, Any], new_seed: int | None = None) -> None:
    """Trains, from the start or from where the run directory stands.

    ``record`` is what repeats the run, for its config.json; a ``new_seed`` takes the place of that
    of a run that goes on.
    """
    if options.deterministic:
        make_deterministic()
    strategy = make_strategy(options.strategy)
    is_chief = worker_place(strategy)[0] == 0
    with lock.run_lock(options.train_dir) if is_chief else contextlib.nullcontext():
        _train(options, record, new_seed, strategy)


def _train(
    options: Options, record: dict, new_seed: int | None, strategy: tf.distribute.Strategy
) -> None:
    directory, config = options.train_dir, options.architecture
    shard = worker_place(strategy)
    is_chief = shard[0] == 0
    run_config = run.read_run_config(directory)
    checkpoint = _starting_point(options, run_config, is_chief)
    slices = dataclasses.replace(
        options.slices,
        slice_len=config.slice_len,
        sample_rate_hz=config.sample_rate,
        num_channels=config.num_channels,
    )
    store = ClipStore(slices, options.data_cache)
    report = preflight(options.data_dir, store, lambda x, n: progress(x, n, "reading data"))
    print("\n".join(report.lines()))
    forms = _recorded_forms(run_config, options.training)
    trainer = Trainer(config, options.training, strategy, forms)
    if checkpoint is not None:
        trainer.restore(checkpoint)
        if new_seed is not None:
            trainer.seed = new_seed
    recordings, held_out = split_holdout(report.recordings, options.data_holdout, trainer.seed)
    source = SliceSource(
        recordings, store, batch_size=options.training.batch_size, seed=trainer.seed
    )
    batches = source.batches(trainer.batches_used, shard)
    place = [trainer.step, trainer.update, trainer.seed]
    check_agreement(strategy, {"its place": place, "its data": report.fingerprint})
    if is_chief:
        _record_run(directory, run_config, trainer, checkpoint, record)
        _record_data(options, report)
        holdout = None
        if held_out:
            one = SliceSource(held_out, store, batch_size=1, seed=trainer.seed)
            holdout = one.sample(NUM_HELD_OUT)
        if trainer.step or trainer.update:
            print(f"{directory}: goes on from step {trainer.step}")
        logdir = shlex.quote(f"--logdir={directory}")
        print(f"tensorboard {logdir} --samples_per_plugin=images=100,audio=30")
        monitor = Monitor(directory, trainer, source.slices_per_epoch, holdout)
        with contextlib.closing(monitor):
            number = _run_steps(directory, trainer, batches, options.schedule, monitor.write)
    else:
        number = _run_steps(directory, trainer, batches, options.schedule, None)
    if trainer.step < (options.schedule.train_steps or trainer.step + 1):
        said = f"stopped and saved at step {trainer.step}; the same command goes on from there"
        print(said, file=sys.stderr)
        sys.exit(128 + number)
    ckpt = shlex.quote(f"--ckpt={directory}")
    print(f"{directory}: at step {trainer.step}; now: python probe.py {ckpt}")


def _starting_point(
    options: Options, run_config: dict[str, Any] | None, is_chief: bool
) -> files.Checkpoint | None:
    """Finds the checkpoint to go on from: the run directory's own, or --init_ckpt."""
    directory, config, loss = options.train_dir, options.architecture, options.training.loss
    checkpoint: files.Checkpoint | None
    if run_config is None:
        if os.path.isdir(directory) and set(os.listdir(directory)) - {lock.LOCK_FILE}:
            if port.find_files(directory, "train_dir"):
                raise _of_port(f"--train_dir={directory}")
            raise InputError(
                f"--train_dir={directory}: is not empty and not a run of this package (no "
                "config.json); name another directory; to go on from a run of the original code, "
                f"add --init_ckpt={directory}"
            )
        if not options.init_ckpt:
            return None
        where = f"--init_ckpt={options.init_ckpt}"
        if port.find_files(options.init_ckpt, "init_ckpt"):
            raise _of_port(where)
        checkpoint = files.Checkpoint(files.find_prefix(options.init_ckpt, flag="init_ckpt"))
        theirs, _ = read_config(checkpoint, {"model": config.model})
    else:
        if is_chief:
            run.remove_remains(directory)
        checkpoint, theirs = files.newest_whole(directory), run_config["model"]
        where = f"--train_dir={directory}"
    if theirs.of_port:
        raise _of_port(where)
    differences = config.differences(theirs)
    then = (run_config or {}).get("training", {}).get("loss", loss)
    if then != loss:
        differences.append(f"loss: {loss}, {then}")
    if differences:
        raise InputError(
            f"{where}: the flags describe another model than the one trained there (flags, there): "
            f"{'; '.join(differences)}; repeat its flags, or name a new --train_dir"
        )
    if checkpoint is not None and not any(name.startswith("D/") for name in checkpoint.shapes):
        raise InputError(
            f"{where}: has only the Generator (convert_checkpoint --generator_only), which is "
            "enough to probe but not to train; give the whole checkpoint"
        )
    return checkpoint


def _recorded_forms(run_config: dict[str, Any] | None, training: TrainingConfig) -> Forms | None:
    """The forms of convolutions that a trial chose when the run was last started, if one did."""
    if run_config is None:
        return None
    last = [run_config, *run_config["resumed"]][-1]
    then, now = last.get("training", {}), (training.conv, training.precision)
    same = training.conv == "auto" and (then.get("conv"), then.get("precision")) == now
    return last.get("convolutions") if same else None


def _of_port(where: str) -> InputError:
    return InputError(
        f"{where}: a model of the PyTorch port, whose layers training here would not keep (the "
        "last tap of every kernel is zero, batch normalisation goes by its averages); train on "
        "with the port, or start a new model here; probing it needs no training"
    )


def _record_run(
    directory: str,
    run_config: dict[str, Any] | None,
    trainer: Trainer,
    checkpoint: files.Checkpoint | None,
    record: dict[str, Any],
) -> None:
    """Writes the run's config.json, or adds to it what is different from this step on."""
    training = dataclasses.asdict(trainer.training)
    now = record | {"training": training, "convolutions": trainer.forms}
    if run_config is None:
        run_config = now | {"model": trainer.config, "resumed": []}
        begun_from = run.read_run_config(checkpoint.directory) if checkpoint else None
        if begun_from and "measuring" in begun_from:
            run_config["measuring"] = begun_from["measuring"]
        run.write_run_config(directory, run_config)
        return
    last = [run_config, *run_config["resumed"]][-1]
    if any(last.get(key) != now[key] for key in ("flags", "versions", "convolutions")):
        run_config["resumed"].append(now | {"step": trainer.step})
        run.write_run_config(directory, run_config)


def _record_data(options: Options, report: Report) -> None:
    """Writes data.json, what was found in --data_dir; warns where the last start found other."""
    path = os.path.join(options.train_dir, "data.json")
    if os.path.exists(path):
        before = read_json(path, "remove it: it is written anew").get("fingerprint")
        if before != report.fingerprint:
            logging.getLogger("wavegan_tf").warning(
                f"--data_dir={options.data_dir}: other recordings than at the last start: "
                "from here on the order of the data is a new one"
            )
    disk.write_text(path, json.dumps(report.to_dict(), indent=1) + "\n")


def _run_steps(
    directory: str,
    trainer: Trainer,
    batches: Iterator,
    schedule: Schedule,
    summarize: Callable | None,
) -> int:
    """Runs the loop to its end, or to a signal to any of the workers; the chief summarises.

    Returns:
        The signal that came to this worker, SIGTERM where it came to another one.
    """
    add, saves = make_sum(trainer.strategy), summarize is not None
    try:
        with stop_on_signal() as wanted:

            def stopped() -> bool:  # all workers leave together
                return add(int(wanted() > 0)) > 0

            steps = train(trainer, batches, directory, schedule, stopped, summarize, saves)
            total = schedule.train_steps or None
            for _ in progress(steps, total, "training", trainer.step, _describe):
                pass
            return wanted() or signal.SIGTERM
    except tf.errors.OpError as error:
        worker, num_workers = worker_place(trainer.strategy)
        if num_workers == 1:
            raise
        raise InputError(
            f"worker {worker} of {num_workers}: another worker has stopped ({error.message}); "
            "start all workers again: they go on from the newest checkpoint"
        ) from None


@contextlib.contextmanager
def stop_on_signal() -> Iterator[Callable[[], int]]:
    """Gives a function that says which signal came, SIGINT or SIGTERM, or 0; a second one ends."""
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received[0] if received else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _describe(scalars: Any) -> str:
    losses = {name: value for name, value in scalars.items() if name.endswith("_loss")}
    return "  ".join(f"{name} {value:.4g}" for name, value in losses.items())
