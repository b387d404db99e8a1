"""The experiments: each is a module of this package. A new question is one more name."""

EXPERIMENTS = (
    "probe", "interpolate", "identify", "intervene", "feature_maps",
    "cdev", "projection", "contours", "vot", "recognise", "latency", "evaluate",
)  # fmt: skip

KINDS = (*EXPERIMENTS, "checkpoints")
"""Of results: of each experiment, and ``checkpoints``, what probe gives of several models."""
