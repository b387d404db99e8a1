"""Files of speech, decoded and cut into batches of slices."""
