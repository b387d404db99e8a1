"""The networks, described by a :class:`~wavegan_tf.models.config.ModelConfig`."""
