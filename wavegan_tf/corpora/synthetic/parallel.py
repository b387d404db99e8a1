"""Clips made ahead by processes, handed on in order."""

import collections
import concurrent.futures
import itertools
import multiprocessing
from collections.abc import Callable, Iterator

from wavegan_tf.corpora.clips import Clip

_BLOCK = 50  # clips that a process makes at a time


def make_clips(make: Callable[[int], Clip], num: int, num_processes: int) -> Iterator[Clip]:
    """Makes clips 0 to ``num``; at most two blocks of 50 per process wait in memory.

    Args:
        make: Of a clip's number; a function of a module, or partial of one.
        num: How many clips.
        num_processes: How many make them; 1: this one.

    Yields:
        The clips, in order; the same, whatever the number of processes.
    """
    blocks = [range(i, min(i + _BLOCK, num)) for i in range(0, num, _BLOCK)]
    num_processes = min(num_processes, len(blocks))
    if num_processes == 1:
        yield from map(make, range(num))
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(num_processes, context) as pool:
        ahead, rest = collections.deque(), iter(blocks)
        for block in itertools.islice(rest, 2 * num_processes):
            ahead.append(pool.submit(_make_block, make, block))
        while ahead:
            yield from ahead.popleft().result()
            for block in itertools.islice(rest, 1):
                ahead.append(pool.submit(_make_block, make, block))


def _make_block(make, indices):
    return [make(i) for i in indices]
