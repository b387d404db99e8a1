"""Corpora to train on: speech cut from TIMIT or aligned recordings, and synthesised speech."""
