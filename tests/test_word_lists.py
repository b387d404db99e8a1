"""Lists of words, from the flag or a file."""

import pytest

from wavegan_tf.corpora.word_lists import read_words
from wavegan_tf.errors import InputError


def test_listed_words_come_from_the_flag_or_a_file(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("\ufeffWater\n\n  year \n", encoding="utf-8")
    assert read_words("Water, year,") == read_words(str(file)) == ["water", "year"]


def test_a_list_longer_than_a_files_name_may_be_is_a_list():
    listed = [f"w{number}" for number in range(3000)]
    assert read_words(",".join(listed)) == listed


def test_a_file_that_is_not_there_or_not_utf8_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in (str(tmp_path / "none"), "./none", "none.txt", "none.TXT"):
        with pytest.raises(InputError, match=f"--words={text}: no such file; give a file with a"):
            read_words(text)
    (tmp_path / "words.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match="--words=words.txt: not UTF-8; save it"):
        read_words("words.txt")


def test_lists_of_no_word_or_of_a_word_twice_are_refused(tmp_path):
    for text, message in (
        ("water,Water", "--words=water,Water: 'Water' is twice; list different words"),
        ("sil", "'sil' is a label of silence or noise"),
        (",", "--words=,: no word"),
        ("", "--words=: no word; give water,year or a file"),
    ):
        with pytest.raises(InputError, match=message):
            read_words(text)
