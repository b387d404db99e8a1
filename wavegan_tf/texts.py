"""Texts as people have them: in the encoding of any editor, aligner or version of Praat."""

import codecs
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wavegan_tf.errors import InputError

# How letters and punctuation stand in text: of a file in an old encoding that one is right which
# makes more of them. In Windows-1252 and MacRoman the same bytes are "don’t" and "donít".
_AS_IN_TEXT = re.compile(
    r"[ß-öø-ÿœ]|(?<![a-zß-öø-ÿ])[À-ÖØ-ÞŒ]|(?<=\w)’|(?<!\w)[‘“¿¡](?=\w)|(?<=\S)”(?!\w)"
    r"|…(?!\w)|(?<!\w)[–—§](?!\w)"
)


def decode(data: bytes) -> str:
    """Decodes what any editor, aligner or version of Praat writes.

    That is UTF-8, UTF-16 or UTF-32, with or without a byte order mark, Windows-1252 (Latin-1 with
    curly quotes) or MacRoman; single labels of a file in UTF-8 may be in Windows-1252. Line ends
    are made line feeds, and NUL, with which a cell of a table would end, U+FFFD.
    """
    encoding = json.detect_encoding(data)
    if encoding.startswith("utf-8"):
        text = data.decode("utf-8-sig", "windows")
        if len(text) == len(data) and not data.isascii():  # no letter of UTF-8
            mac = data.decode("mac_roman")
            text = max(text, mac, key=lambda each: len(_AS_IN_TEXT.findall(each)))
    else:
        text = data.decode(encoding, "replace")  # half a letter at the end: cut off
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def read_text(path: str | os.PathLike) -> str:
    """Reads a text, whatever program wrote it (:func:`decode`).

    Raises:
        InputError: The file cannot be read.
    """
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def read_lines(path: str | os.PathLike) -> Iterator[str]:
    """Reads a text line by line, a megabyte at a time: it may be large (:func:`decode`).

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            whole = not json.detect_encoding(file.peek(4)[:4]).startswith("utf-8")
            while lines := file.readlines(-1 if whole else 1 << 20):
                yield from decode(b"".join(lines)).removesuffix("\n").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def read_json(path: str | os.PathLike, way_out: str) -> dict[str, Any]:
    """Reads an object of JSON that any editor may have saved; what is no object gives {}.

    Raises:
        InputError: It is no JSON; the message ends with the way out.
    """
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); {way_out}") from None
    return content if isinstance(content, dict) else {}


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows", _as_windows)
