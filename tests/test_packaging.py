"""What stands outside the package and has to agree with it."""

import re

import conftest
import measure_demo
import pytest

import wavegan_tf
from wavegan_tf.demo import DEMOS, find
from wavegan_tf.output.files import read_table


def test_the_citation_names_this_version():
    text = (conftest.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, re.M)[1] == wavegan_tf.__version__
    readme = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"version = {{{wavegan_tf.__version__}}}" in readme


@pytest.mark.parametrize("name", DEMOS)
def test_the_card_of_a_demo_says_what_was_measured(name):
    card = (find(name) / "README.md").read_text(encoding="utf-8")
    assert measure_demo.card_table(read_table(find(name) / "measured.csv")) in card
    for heading in ("Data", "Licence", "Training", "Measured", "What it cannot do"):
        assert f"\n## {heading}\n" in card
