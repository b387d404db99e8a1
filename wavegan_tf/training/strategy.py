"""Replicas of a training: one process and device, several devices, or several machines."""

import json
import os
import zlib
from collections.abc import Callable

import tensorflow as tf

from wavegan_tf.errors import InputError


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Makes a strategy of the flag --strategy; call it before anything else of TensorFlow.

    Raises:
        InputError: ``TF_CONFIG`` is missing or not as documented.
    """
    workers = _workers()
    if name == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        name = "multi_worker" if len(workers) > 1 else "mirrored" if several else "one"
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    return tf.distribute.MultiWorkerMirroredStrategy(None if workers else slurm_cluster())


def slurm_cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Reads the tasks of the SLURM step that this process belongs to, one worker each."""
    if "SLURM_STEP_NUM_TASKS" not in os.environ:
        raise InputError(
            "--strategy=multi_worker: start it with SLURM's srun, or set TF_CONFIG in each process "
            'to {"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", '
            '"index": 0}}, with its own index'
        )
    num_tasks = int(os.environ["SLURM_STEP_NUM_TASKS"])
    return tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=20000 + int(os.environ.get("SLURM_JOB_ID", 0)) % 20000,
        # GPUs are SLURM's to hand out (--gpus-per-task); here their number only has to suffice.
        gpus_per_node=num_tasks,
        gpus_per_task=1,
        auto_set_gpu=False,
    )


def worker_place(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Returns this process' index among those of a strategy, the chief's is 0, and their number."""
    if strategy.num_replicas_in_sync == 1:
        return 0, 1
    num_workers = strategy.num_replicas_in_sync // len(strategy.extended.worker_devices)
    if num_workers == 1:
        return 0, 1
    resolver = strategy.cluster_resolver
    chiefs = len(resolver.cluster_spec().as_dict().get("chief", []))
    return resolver.task_id + (chiefs if resolver.task_type == "worker" else 0), num_workers


def make_sum(strategy: tf.distribute.Strategy) -> Callable[[int], int]:
    """Makes a function of an integer: the sum over the workers of what each gives, in step."""
    if worker_place(strategy)[1] == 1:
        return lambda number: number
    num_local = len(strategy.extended.worker_devices)

    @tf.function
    def total(value: tf.Tensor) -> tf.Tensor:
        given = strategy.run(tf.identity, (value,))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, given, axis=None)

    return lambda number: int(total(tf.constant(number, tf.int64))) // num_local


def check_agreement(strategy: tf.distribute.Strategy, facts: dict[str, object]) -> None:
    """Sees to it that facts, by name, are the same for all workers; raises InputError if not."""
    index, num_workers = worker_place(strategy)
    add = make_sum(strategy)
    for name, value in facts.items():
        number = zlib.crc32(json.dumps(value, sort_keys=True).encode())
        if add(number) != num_workers * number:
            raise InputError(
                f"worker {index} of {num_workers}: {name} is {value}, but differs at another "
                "worker; all must see the same --train_dir and --data_dir and have the same flags"
            )


def _workers() -> list[str]:
    """The addresses in ``TF_CONFIG``, the chief's first."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return []
    try:
        config = json.loads(text)
        cluster, task = config.get("cluster", {}), config["task"]
        workers = [*cluster.get("chief", []), *cluster.get("worker", [])]
        if not 0 <= int(task["index"]) < len(cluster[task["type"]]):
            raise IndexError("the task's index is not in the cluster")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(
            f"TF_CONFIG={text}: is not of the form that TensorFlow documents "
            f"({type(error).__name__}: {error})"
        ) from None
    return workers
