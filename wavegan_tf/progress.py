"""How far long work is: a bar on a terminal, lines without one."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator

from tqdm import tqdm

_BAR_SECS, _LINE_SECS = 1, 10  # between updates of the progress bar's text, or between lines


def progress(
    items: Iterable,
    total: int | None,
    label: str,
    start: int = 0,
    describe: Callable[[object], str] | None = None,
) -> Iterator:
    """Passes items on and shows how far it is: a bar, or without a terminal lines.

    ``total`` is how many there will be, ``start``, those done already, included; None if unknown.
    ``describe`` says something of the item at hand, when there is something to show.
    """
    on_terminal = sys.stderr.isatty()
    bar = tqdm(total=total, initial=start, desc=label, disable=not on_terminal)
    every_secs = _BAR_SECS if on_terminal else _LINE_SECS
    begun = shown = time.monotonic()
    done, item = start, None
    for item in items:
        yield item
        done += 1
        bar.update()
        now = time.monotonic()
        if now - shown < every_secs:
            continue
        shown = now
        text = describe(item) if describe else ""
        if on_terminal:
            bar.set_postfix_str(text)
        else:
            each_s = (now - begun) / (done - start)
            left = f"/{total}, {_clock((total - done) * each_s)} left" if total else ""
            _print_line(f"{label}: {done}{left}, {each_s:.2g} s each  {text}")
    bar.close()
    if not on_terminal and done > start:
        text = f"{describe(item)}, " if describe else ""
        _print_line(f"{label}: {done} done, {text}{_clock(time.monotonic() - begun)}")


def _print_line(text: str) -> None:
    print(text.rstrip(), file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    """Seconds as H:MM:SS."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
