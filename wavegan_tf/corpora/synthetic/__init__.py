"""Speech of known truth, through the voice and the formant filter of Praat."""
