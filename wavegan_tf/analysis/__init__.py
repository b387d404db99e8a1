"""Plain arrays in, measurements out; never imports TensorFlow."""
