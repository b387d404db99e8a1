"""The demo model: what the commands open without ``--ckpt``."""

from pathlib import Path

CHECKPOINT = Path(__file__).parent / "reduplication"
"""A run directory with the Generator alone: a ciwGAN of bare and reduplicated words. Its
config.json says how it is measured."""
