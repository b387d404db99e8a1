"""Files, figures, text and page of results; no statistic is computed here, no TensorFlow."""
