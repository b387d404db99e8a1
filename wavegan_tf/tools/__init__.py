"""Command-line tools: ``python -m wavegan_tf.tools.NAME``."""
