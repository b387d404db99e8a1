"""Paths as people have them: ``~`` and ``$HOME``, folders with all below them, linked ones too."""

import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from wavegan_tf.errors import InputError

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)

_log = logging.getLogger("wavegan_tf")


def expand(path: str | os.PathLike) -> str:
    """Replaces ``~``, ``~user``, ``$NAME`` and ``${NAME}`` in a path, as a shell does.

    A name that is there as it stands is itself, unless what replaces it is there too; after ``./``
    a name is never taken for home.

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


def cache_directory() -> Path:
    """Gives the directory of what is measured once and kept: controls, forms of convolutions."""
    return Path(expand(os.environ.get("WAVEGAN_TF_CACHE") or "~/.cache/wavegan_tf"))


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file of the cache whole, whoever else writes it; ``write`` is given where.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        write(Path(scratch) / path.name)
        os.replace(Path(scratch) / path.name, path)


def walk(
    folder: str | os.PathLike, passed_over: dict[str, str], depth: int | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Yields a folder and those below, each with the names of its files; hidden ones are left out.

    Links to folders are followed, after the folders that are really there, and each folder is
    visited once. A link to nothing is a file if its name has a suffix.

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


def find_files(
    flag: str, folder: str | os.PathLike, passed_over: dict[str, str] | None = None
) -> list[str]:
    """Lists the files of a folder and those below (:func:`walk`), sorted; pipes are no files.

    Args:
        flag: That gave the folder, such as ``--data_dir``.
        folder: Where to look.
        passed_over: Is filled with what is not visited, and why; a warning by default.

    Raises:
        InputError: There is no such folder, it cannot be read, or it has no files.
    """
    given = f"{flag}={folder}"
    if not os.path.isdir(folder):
        found = "is a file" if os.path.exists(folder) else "does not exist"
        raise InputError(f"{given}: {found}; give a folder")
    unvisited: dict[str, str] = {} if passed_over is None else passed_over
    files = []
    try:
        for here, names in walk(folder, unvisited):
            found_here = [os.path.join(here, name) for name in names]
            # To read a pipe would be to wait for ever.
            files += [x for x in found_here if os.path.isfile(x) or not os.path.exists(x)]
    except OSError as error:
        reason = f"{error.filename} cannot be read ({error.strerror}); check its rights"
        raise InputError(f"{given}: {reason}") from error
    if passed_over is None or not files:
        warn_passed_over(given, unvisited)
    if not files:
        raise InputError(f"{given}: has no files; give a folder with some")
    return sorted(files)


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
