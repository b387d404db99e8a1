"""Work done in several processes: the order is kept, and no process loads TensorFlow by itself."""

import collections
import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from wavegan_tf.errors import InputError

J = TypeVar("J")
P = TypeVar("P")
R = TypeVar("R")

_AHEAD = 4  # jobs in the queue of each process
_here: list[Any] = []  # in a process of the pool: what it does


def num_processes(jobs: int | None = None) -> int:
    """Returns ``jobs``, or how many cores this process may use."""
    if jobs:
        return jobs
    if hasattr(os, "sched_getaffinity"):  # what a batch system allots; not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_processes(
    work: Callable[[J, P], R], jobs: Iterable[J], plan: P, num_processes: int
) -> Iterator[R]:
    """Does work, a function of a module, with every job and the plan, in processes of their own.

    Only a few jobs are drawn ahead of their turn; the plan is sent to each process once. The
    results, in the order of the jobs, do not depend on the number of processes; 1 works here.

    Raises:
        InputError: A process died, as it does when memory runs out.
    """
    if num_processes == 1:
        yield from (work(job, plan) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy TensorFlow's locks
    pool = concurrent.futures.ProcessPoolExecutor(num_processes, context, _begin, (work, plan))
    multiprocessing.resource_tracker.ensure_running()  # as it starts it would let signals through
    waiting: collections.deque[concurrent.futures.Future[R]] = collections.deque()
    try:
        for job in jobs:
            with _signals_held():  # a process of the pool may start here
                waiting.append(pool.submit(_work_here, job))
            if len(waiting) > _AHEAD * num_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        for process in multiprocessing.active_children():  # the pool's SIGTERM never reaches them
            process.kill()
        raise InputError(
            f"--jobs={num_processes}: a process died, perhaps because memory ran out; try fewer "
            'processes. In a script of your own, call it under: if __name__ == "__main__":'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Holds Ctrl-C and SIGTERM back; processes that start meanwhile never hear them.

    The first process hears them, and ends the others.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(work: Callable[[J, P], R], plan: P) -> None:
    _here[:] = [lambda job: work(job, plan)]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when the first one has ended, even if that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work_here(job: Any) -> Any:
    return _here[0](job)
