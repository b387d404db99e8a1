"""Clips cut from TIMIT: its tree, patterns of phones, counts beside the papers'."""
