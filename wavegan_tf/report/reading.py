"""Read a run directory for figures and summary: config.json, series, tables, names for people."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavegan_tf.errors import InputError
from wavegan_tf.report.tables import read_json, read_npz, stream_rows

MEASURE_TITLES = {
    "f0": "F0",
    "f0_semitones": "F0 (semitones)",
    "intensity": "Intensity",
    "f1": "F1",
    "f2": "F2",
    "f3": "F3",
    "b1": "Bandwidth of F1",
    "b2": "Bandwidth of F2",
    "b3": "Bandwidth of F3",
    "hnr": "Harmonicity",
    "cog": "Centre of gravity",
    "spectral_sd": "Spectral SD",
    "skewness": "Skewness",
    "kurtosis": "Kurtosis",
    "duration": "Duration",
    "voiced_share": "Voiced share",
    "zcr": "Zero crossings",
    "cpps": "CPPS",
    "rms": "RMS level",
    "peak": "Peak",
    "saturation": "Saturated share",
    "distance": "Distance from ordinary outputs",
    "n_voiced": "Voiced intervals",
    "n_frication": "Frication intervals",
    "n_silence": "Silent intervals",
    "frication": "Frication",
    "waveform": "Waveform",
    "spectrum": "Spectrum",
    "shape": "Shape",
}
"""What figures and summary call the measures."""


class Panel(NamedTuple):
    """One layer, or one channel of the target: ``series`` is ``[n, length]`` at ``rate_hz``."""

    layer: str
    title: str
    rate_hz: float
    nyquist_hz: float
    series: np.ndarray
    channel: int | None = None

    def times_s(self) -> np.ndarray:
        """Middles of the samples in s, ``[length]``."""
        return (np.arange(self.series.shape[-1]) + 0.5) / self.rate_hz

    def heading(self) -> str:
        """Title with the layer's rate and Nyquist frequency."""
        return f"{self.title}  ({self.rate_hz:g} Hz, Nyquist {self.nyquist_hz:g} Hz)"


class Run(NamedTuple):
    """A run directory and its config.json."""

    directory: Path
    config: dict

    @property
    def target(self) -> str:
        """The layer that the others are compared with: ``out`` of a Generator."""
        return self.config.get("target", "out")

    @property
    def target_title(self) -> str:
        """The same, as figures name it."""
        return layer_title(self.target)

    @property
    def layers(self) -> list[str]:
        """The layers but the target, in the order of the network."""
        return [x["name"] for x in self.config["layers"] if x["name"] != self.target]

    @property
    def reduce(self) -> str:
        """What became of the feature maps of a layer: ``mean`` unless ``--reduce`` said other."""
        return self.config.get("flags", {}).get("reduce", "mean")

    @property
    def duration_s(self) -> float:
        """Duration of an output in s."""
        return self.config["slice_len"] / self.config["sample_rate_hz"]

    def panels(self, count: int | None = None) -> list[Panel]:
        """Read the first ``count`` rows of series.npz (None: all), a panel for each layer.

        Raises:
            InputError: there is no series.npz, or none of its arrays is a layer.
        """
        _need(self.directory, "series.npz")
        arrays = read_npz(self.directory / "series.npz", count)
        layers = [(x["name"], x["rate_hz"], x["nyquist_hz"]) for x in self.config["layers"]]
        panels = make_panels(layers, arrays)
        if not panels:
            raise InputError(
                f"{self.directory}: series.npz holds none of the layers in config.json; run the "
                "probe again"
            )
        return panels


def open_run(out_dir: str | Path) -> Run:
    """Open a run directory.

    Raises:
        InputError: it has no config.json.
    """
    out_dir = Path(out_dir)
    _need(out_dir, "config.json")
    return Run(out_dir, read_json(out_dir / "config.json"))


def _need(directory, name):
    if not (directory / name).is_file():
        raise InputError(
            f"{directory}: has no {name}, so there is nothing to draw; give the output directory "
            "of probe.py or interpolate.py"
        )


def make_panels(layers, arrays: dict[str, np.ndarray]) -> list[Panel]:
    """Make a panel of each layer that has a series, and of each channel where there are several.

    Args:
        layers: name, rate in Hz and Nyquist frequency in Hz of each, in order.
        arrays: by layer, ``[n, length]`` or ``[n, length, channels]``.
    """
    panels = []
    for name, *rates in layers:
        if name not in arrays:
            continue
        if arrays[name].ndim == 2:
            panels.append(Panel(name, layer_title(name), *rates, arrays[name]))
        else:
            for c in range(arrays[name].shape[-1]):
                title = f"{layer_title(name)}, channel {c + 1}"
                panels.append(Panel(name, title, *rates, arrays[name][:, :, c], c + 1))
    return panels


def layer_title(name: str) -> str:
    """The paper's name of a layer: Conv1, Out."""
    return name.capitalize()


def measure_title(measure: str, unit: str = "") -> str:
    """What people call a measure, with its unit unless that is 1: ``F0 (Hz)``."""
    title = MEASURE_TITLES.get(measure, measure)
    return f"{title} ({unit})" if unit not in ("", "1") and "(" not in title else title


def within_sentence(title: str) -> str:
    """A title within a sentence: only names (F2, RMS level) keep their capital."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[0].lower() + title[1:]


def probability(p: float) -> str:
    """A p as papers give it: three decimals, or < 0.001; a dash of no number."""
    if not np.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def read_rows(path: str | Path, texts: str, numbers: str) -> list[dict]:
    """Read a table of moderate length.

    Args:
        path: the file; no rows where it does not exist.
        texts: names of columns that are read as text, separated by spaces.
        numbers: names of columns that are read as floats.

    Returns:
        A dict for each row, with these columns.

    Raises:
        InputError: the table lacks one of the columns.
    """
    names = tuple(texts.split())
    columns = names + tuple(numbers.split())
    rows = []
    for row in stream_rows(path, columns):
        rows.append({name: x if name in names else float(x) for name, x in row.items()})
    return rows


def read_correlations(run: Run, statistic: str = "pearson") -> list[dict]:
    """Read the rows of correlations.csv that hold one statistic."""
    rows = read_rows(
        run.directory / "correlations.csv",
        "channel label measure unit layer statistic verdict",
        "value low high n n_outputs n_flagged random random_high n_random shuffled shuffled_high",
    )
    return [row for row in rows if row["statistic"] == statistic]


def read_durations(run: Run) -> list[dict]:
    """Read durations.csv."""
    return read_rows(
        run.directory / "durations.csv",
        "channel label layer",
        "beta beta_low beta_high intercept t p adj_r2 n n_outputs random_adj_r2",
    )


def read_differences(run: Run) -> list[dict]:
    """Read differences.csv."""
    return read_rows(
        run.directory / "differences.csv",
        "channel label measure unit layer condition reference verdict",
        "difference low high p_holm n",
    )


def control_level(row: dict) -> float:
    """The higher of the two control levels of a row of correlations.csv; NaN without any."""
    levels = [row["random_high"], row["shuffled_high"]]
    return max((level for level in levels if np.isfinite(level)), default=float("nan"))


def distinct(rows: list[dict], column: str) -> list:
    """The values of a column, in the order in which they first appear."""
    return list(dict.fromkeys(row[column] for row in rows))


def grouped(rows: list[dict]) -> dict:
    """Rows by (channel, label), in the order in which they first appear."""
    groups = {}
    for row in rows:
        groups.setdefault((row["channel"], row["label"]), []).append(row)
    return groups


def channel_suffix(channel: str, channels: list[str]) -> str:
    """``_channel2`` where a run has several channels, nothing where it has one."""
    return f"_channel{channel}" if len(channels) > 1 else ""
