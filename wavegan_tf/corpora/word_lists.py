"""Lists of words to cut, as users give them on the command line."""

import os

from wavegan_tf.corpora.aligned.alignments import word_of
from wavegan_tf.errors import InputError


def read_words(text: str) -> list[str]:
    """The words that a user lists.

    Args:
        text: ``water,year``, or the path of a file with a word in each line. What has a ``/`` or
            ends in ``.txt`` is a path.

    Returns:
        Different words, normalised as those of alignments: NFC, in lower case.

    Raises:
        InputError: There is no such file, there is no word, one is no word, or one is there twice.
    """
    if os.path.isfile(text):
        try:
            with open(text, encoding="utf-8-sig") as file:
                listed = file.read().splitlines()
        except UnicodeDecodeError:
            raise InputError(f"--words={text}: not UTF-8; save it as UTF-8") from None
    elif "/" in text or text.lower().endswith(".txt"):
        raise InputError(
            f"--words={text}: no such file; give a file with a word in each line, or water,year"
        )
    else:
        listed = text.split(",")
    found = []
    for item in filter(None, (item.strip() for item in listed)):
        word = word_of(item)
        if not word or word in found:
            what = "twice" if word else "a label of silence or noise"
            raise InputError(f"--words={text}: '{item}' is {what}; list different words")
        found.append(word)
    if not found:
        raise InputError(f"--words={text}: no word; give water,year or a file of a word a line")
    return found
