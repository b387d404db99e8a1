"""The measures: units, labels they are made in, bandwidth they need, plausible ranges. Constants.

How each is measured stands in :mod:`wavegan_tf.analysis.acoustics`.
"""

UNITS = {
    "f0": "Hz",
    "intensity": "dB",
    "f1": "Hz",
    "f2": "Hz",
    "f3": "Hz",
    "b1": "Hz",
    "b2": "Hz",
    "b3": "Hz",
    "hnr": "dB",
    "cog": "Hz",
    "spectral_sd": "Hz",
    "skewness": "1",
    "kurtosis": "1",
    "duration": "s",
    "voiced_share": "1",
    "zcr": "1/s",
    "cpps": "dB",
}
"""Every measure with its unit, in the order in which they are reported. Intensity is in dB re 2e-5
Pa, full scale (1) taken as 1 Pa, as in Praat; hnr and cpps are ratios in dB."""

FORMANTS = ("f1", "f2", "f3")
BANDWIDTHS = ("b1", "b2", "b3")
MOMENTS = ("cog", "spectral_sd", "skewness", "kurtosis")

POINT_MEASURES = {
    "voiced": ("f0", "intensity", *FORMANTS, *BANDWIDTHS, "hnr"),
    "frication": ("intensity", *MOMENTS),
    "silence": ("intensity",),
}
"""What is measured at points of normalised time, and as a mean, in intervals of each label."""

INTERVAL_MEASURES = {
    "voiced": ("duration", "voiced_share", "zcr", "cpps"),
    "frication": ("duration", "voiced_share", "zcr"),
    "silence": ("duration",),
}
"""What is measured only over an interval as a whole."""

MADE_TOGETHER = (("f0", "voiced_share"), (*FORMANTS, *BANDWIDTHS), MOMENTS)
"""Measures that one analysis gives."""

CENTRED = {
    **dict.fromkeys((*FORMANTS, *BANDWIDTHS), "series"),
    **dict.fromkeys(MOMENTS, "window"),
    **dict.fromkeys(("zcr", "cpps"), "interval"),
}
"""Measures that an offset would ruin, and over what the mean is subtracted before each: the whole
series, the window of a point (for the mean row the interval), the interval. An average after ReLU
is all offset, which moreover follows its envelope, so that the mean of the whole series would not
be enough for a spectrum. The others need nothing: "To Pitch", "To Harmonicity" and "To Intensity"
subtract the mean of each of their windows themselves."""

NEEDS_NYQUIST_HZ = {
    "f1": 1000.0,
    "f2": 2000.0,
    "f3": 3500.0,
    "b1": 1000.0,
    "b2": 2000.0,
    "b3": 3500.0,
    **dict.fromkeys(MOMENTS, 4000.0),
    "cpps": 2000.0,
}
"""Nyquist frequency that a layer needs for a measure; intensity, zcr and duration need none, f0
and voiced_share one above the F0 floor, hnr one above two harmonics of its lowest pitch (of one
harmonic alone it would say how narrow the layer is, not how periodic the voice). Averages of vowels
reach F1 936 Hz and F3 3372 Hz (Hillenbrand et al. 1995, women). F2 reaches 2761 Hz, but the paper
measures it at Conv4, whose Nyquist is 2000 Hz: back and central vowels fit, front vowels do not;
this is warned about.
The spectral mean of English fricatives lies at 4 to 8 kHz (Jongman, Wayland & Wong 2000: 4229 Hz
for [ʃ]), so that below 4000 Hz hardly any of it is left. A cepstral peak at 330 Hz, the highest
that is searched for, is made by the harmonics: 2000 Hz hold six."""

F2_FULL_RANGE_HZ = 2800.0
MOMENTS_FULL_RANGE_HZ = 8000.0
HNR_FULL_RANGE_HZ = 2000.0
"""Below this harmonicity compares few harmonics with little noise, and is warned about."""

PLAUSIBLE = {
    "f0": (60.0, 500.0),
    "intensity": (4.0, 94.0),
    "f1": (190.0, 1300.0),
    "f2": (560.0, 3610.0),
    "f3": (1400.0, 4380.0),
    **dict.fromkeys(BANDWIDTHS, (10.0, 700.0)),
    "hnr": (0.0, 50.0),
    "cog": (500.0, 12000.0),
    "cpps": (0.0, 40.0),
}
"""Values outside are kept and flagged. F0: adults and children speaking (Peterson & Barney 1952: 91
to 350 Hz in citation forms, with room for low voices and for emphasis). Intensity: from an RMS of
one step of 16 bits (2^-15, 3.7 dB) to a square wave of full scale (94 dB). Formants: the least and
the greatest of Peterson & Barney's 1520 vowels (Praat: "Create formant table (Peterson & Barney
1952)"). Bandwidths: wider, a pole shapes the tilt of the spectrum rather than a formant; narrower,
it follows a harmonic. Harmonicity: a healthy [u] has about 40 dB, hoarse voices far below 20 (Praat
manual, "Voice 4. Additive noise"); below 0 there is more noise than voice. Centre of gravity: lower
than any fricative's, it is of voicing or of hum. CPPS: running speech and sustained vowels, healthy
and disordered, stay well within."""
