"""Statistics of measured values: DataFrames in, DataFrames out; never TensorFlow."""
