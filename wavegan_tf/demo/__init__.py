"""The model in the box: what the scripts and tools open without ``--ckpt``."""

from pathlib import Path

CHECKPOINT = Path(__file__).parent / "reduplication"
"""A run directory, with the Generator alone: a ciwGAN of bare and reduplicated words."""

FLAGS = {
    "f0_range": ["75", "450"],
    "voicing_floor": 75.0,
    "voicing_ceiling": 450.0,
    "max_gap": 0.15,
}
"""Flags whose defaults are others for it. Its speaker's F0 is 250 to 310 Hz (the paper measured its
ciwGAN from 75 to 450 Hz, too), and a word is one stretch of voice, its closures included."""

FROM, TO = "c1=1", "c2=1"
"""The way that ``interpolate.py`` goes in it: from the code of reduplicated words to that of bare
ones."""
