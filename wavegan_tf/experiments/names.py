"""The experiments: each is a module of this package. A new question is one more name."""

EXPERIMENTS = ("probe", "interpolate", "identify", "intervene", "feature_maps", "cdev")
EXPERIMENTS = (
    "probe",
    "interpolate",
    "identify",
    "intervene",
    "feature_maps",
    "contours",
    "latency",
)
EXPERIMENTS = ("probe", "interpolate", "identify", "intervene", "feature_maps", "recognise")
EXPERIMENTS = ("probe", "interpolate", "identify", "intervene", "feature_maps", "vot")
EXPERIMENTS = ("probe", "interpolate", "identify", "intervene", "feature_maps", "projection")
