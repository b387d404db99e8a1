"""What stands outside the package and has to agree with it."""

import re

import conftest

import wavegan_tf


def test_the_citation_names_this_version():
    text = (conftest.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, re.M)[1] == wavegan_tf.__version__
    bibtex = (conftest.ROOT / "docs" / "citing.md").read_text(encoding="utf-8")
    assert f"version = {{{wavegan_tf.__version__}}}" in bibtex
