"""Paths as people have them: ``~`` and ``$HOME``, linked folders."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from wavegan_tf.errors import InputError

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)

_log = logging.getLogger("wavegan_tf")


def expand(path: str | os.PathLike) -> str:
    """Replaces ``~``, ``~user``, ``$NAME`` and ``${NAME}`` in a path, as a shell does.

    A file or folder that really has such a name is itself where there is none of the other name;
    a name is never taken for home after ``./``.

    Raises:
        InputError: There is no such user or variable, or the name is not UTF-8.
    """
    text = os.fspath(path)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InputError(f"{text!a}: this name is not UTF-8; rename the file or folder")
    ends = [0] if text.startswith("~") else []
    ends += [match.end() for match in _VARIABLE.finditer(text)]
    if not ends:
        # Others, such as pandas, would take a ~ after ./ for home.
        return _absolute(text) if os.path.normpath(text).startswith("~") else text
    expanded = _as_shell(text)
    folder = text[: f"{text}{os.sep}".index(os.sep, ends[-1])]
    for part in (text, folder):  # of what is to be made only the folder can be there
        other = _as_shell(part)
        literal = _is_there(_absolute(part))
        if literal != (part != other and _is_there(other)):
            return _absolute(text) if literal else expanded
    if expanded.startswith("~"):
        raise InputError(f"{text}: there is no such user; write ./{text} for a name with ~ in it")
    for unknown in _VARIABLE.finditer(expanded):
        if not os.environ.get(unknown[1] or unknown[2]):
            raise InputError(
                f"{text}: there is no variable {unknown[1] or unknown[2]}, or it is empty; export "
                "it, or where that is a folder's name make the folder first"
            )
    return expanded


def walk(
    folder: str | os.PathLike, passed_over: dict[str, str], depth: int | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Yields a folder and those below, each with the names of its files; hidden ones are left out.

    Links to folders are followed, after the folders that are really there, and each folder is
    visited once. Links to nothing are files, but those without a suffix.

    Args:
        folder: Where to begin.
        passed_over: Is filled with what is not visited, as a path below the folder, and why.
        depth: Levels of folders below the first that are visited; all by default.

    Raises:
        OSError: The folder itself cannot be read.
    """
    top = os.fspath(folder)
    seen = {_identity(above): "one that this lies in" for above in Path(top).resolve().parents}

    def below(path: str) -> str:
        return os.path.relpath(path, top)

    def note(error: OSError) -> None:
        if error.filename == top:
            raise error
        passed_over[below(error.filename)] = f"cannot be read ({error.strerror})"

    starts = [top]
    for start in starts:  # which grows
        for here, folders, names in os.walk(start, onerror=note):
            level = 0 if here == top else below(here).count(os.sep) + 1
            if (identity := _identity(here)) in seen:
                passed_over[below(here)] = f"the same folder as {seen[identity]}"
                folders.clear()
                continue
            seen[identity] = below(here)
            visible = sorted(name for name in folders if not name.startswith("."))
            visible = visible if depth is None or level < depth else []
            links = [name for name in visible if os.path.islink(os.path.join(here, name))]
            starts += (os.path.join(here, name) for name in links)
            folders[:] = (name for name in visible if name not in links)
            files = []
            for name in names:
                path = os.path.join(here, name)
                if name.startswith("."):
                    continue
                broken = os.path.islink(path) and not os.path.exists(path)
                if broken and not os.path.splitext(name)[1]:
                    passed_over[below(path)] = f"a link to nothing ({os.readlink(path)})"
                else:
                    files.append(name)
            yield here, files


def warn_passed_over(given: str, passed_over: dict[str, str]) -> None:
    """Names all that :func:`walk` did not visit below a ``--flag=folder``, and why."""
    for name, why in sorted(passed_over.items()):
        _log.warning("%s: %r passed over: %s", given, name, why)


def _as_shell(path: str) -> str:
    def value(name: re.Match) -> str:
        return os.environ.get(name[1] or name[2]) or name[0]

    return os.path.expanduser(_VARIABLE.sub(value, path))


def _absolute(path: str) -> str:
    return os.path.join(os.getcwd(), path)


def _is_there(path: str) -> bool:
    return os.path.exists(path) or os.path.exists(f"{path}.index")  # a checkpoint's prefix


def _identity(path: str | os.PathLike) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
