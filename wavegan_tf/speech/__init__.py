"""Sounds in, tables out: averages of layers, intervals, TextGrids, Praat. Never TensorFlow."""
