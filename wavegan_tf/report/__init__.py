"""Tables and figures; never imports TensorFlow."""
