"""Names of a corpus's files."""

import pytest

from wavegan_tf.corpora.clips import safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("water", "water"),
        ("don't", "don't"),
        ("mother-in-law", "mother-in-law"),
        ("a_b2", "a_b2"),
        ("Maße", "Maße"),
        ("हिन्दी", "हिन्दी"),
        ("24/7", "24%2F7"),
        ("a b", "a%20b"),
        ("mr.", "mr%2E"),
        ("..", "%2E%2E"),
        ("a%2F", "a%252F"),
        ("it’s", "it%E2%80%99s"),
        ("a\x00", "a%00"),
        ("con", "con_"),
        ("LPT1", "LPT1_"),
        ("conn", "conn"),
        ("com10", "com10"),
        ("", "_"),
    ],
)
def test_names_are_those_that_any_file_system_takes(text, name):
    assert safe_name(text) == name


def test_no_two_texts_of_signs_have_one_name():
    signs = [chr(i) for i in range(0x3000)]
    assert len({safe_name(sign) for sign in signs}) == len(signs)
