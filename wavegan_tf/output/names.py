"""What figures, tables and the page call layers, measures and verdicts."""

import numpy as np

from wavegan_tf.output.run import Run

MEASURES = {
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
    "gap": "Gap",
    "voiced_share": "Voiced share",
    "zcr": "Zero crossings",
    "cpps": "CPPS",
    "vot": "VOT",
    "closure": "Closure",
    "n_bursts": "Bursts",
    "burst_lag": "First to last burst",
    "release": "Time of the release",
    "rms": "RMS level",
    "rms_db": "RMS level",
    "peak": "Peak",
    "saturation": "Saturated share",
    "distance": "Distance from ordinary outputs",
    "n_voiced": "Voiced intervals",
    "n_frication": "Frication intervals",
    "n_silence": "Silent intervals",
    "voiced_time": "Voiced time",
    "frication": "Frication",
    "waveform": "Waveform",
    "spectrum": "Spectrum",
    "shape": "Shape",
    "series": "Series",
    "stride": "F0 at a stride",
    "voiced": "Share of outputs with voice",
    "silent": "Share of silent outputs",
}

MODELS = {"wavegan": "WaveGAN", "ciwgan": "ciwGAN", "fiwgan": "fiwGAN"}


def layer_title(name: str) -> str:
    """Names a layer as the papers do: FC, Conv1, Out."""
    return name.upper() if name == "fc" else name.capitalize()


def layer_heading(title: str, rate_hz: float, nyquist_hz: float) -> str:
    """Names a layer with its rate and Nyquist frequency."""
    return f"{title}  ({rate_hz:g} Hz, Nyquist {nyquist_hz:g} Hz)"


def measure_title(measure: str, unit: str = "") -> str:
    """Names a measure with its unit, unless that is 1: ``F0 (Hz)``."""
    title = MEASURES.get(measure, measure)
    return f"{title} ({unit})" if unit not in ("", "1") and "(" not in title else title


def outcome_title(label: str, measure: str, unit: str) -> str:
    """Names what is measured in the intervals of a label, or (``output``) of whole outputs."""
    if measure == "share":
        return f"Share with {label}"
    title = measure_title(measure, unit)
    return title if label == "output" else f"{label.capitalize()}: {title}"


def within_sentence(title: str) -> str:
    """Names a measure within a sentence: only names (F2, RMS level) keep their capital."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[0].lower() + title[1:]


def outcome_phrase(label: str, measure: str, unit: str) -> str:
    """Names it within a sentence: ``F0 (Hz) in voiced intervals``, ``the number of bursts``."""
    if label == "output" or measure == "share":
        counted = measure.startswith("n_") and measure in MEASURES
        return "the number of " * counted + within_sentence(outcome_title(label, measure, unit))
    return f"{within_sentence(measure_title(measure, unit))} in {label} intervals"


def trained_range(latent: str) -> tuple[float, ...]:
    """Gives the range of a latent variable in training; nothing of a way between vectors, t."""
    return {"z": (-1.0, 1.0), "c": (0.0, 1.0)}.get(latent[0], ())


def layers_of(result: Run) -> list[str]:
    """Lists the layers but the target, in the order of the network."""
    names = [layer["layer"] for layer in result.settings["layers"]]
    return [name for name in names if name != result.settings["target"]]


def duration_s(result: Run) -> float:
    """Computes the duration of an output in s."""
    return float(result.settings["slice_len"] / result.settings["sample_rate_hz"])


def times_s(result: Run, length: int) -> np.ndarray:
    """Computes the middles of the samples of a series in s, ``[length]``."""
    return (np.arange(length) + 0.5) * duration_s(result) / length
