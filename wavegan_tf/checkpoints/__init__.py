"""Reading and writing checkpoints.

There is one format: TensorFlow 1's, with the original's variable names and shapes. A run of ours
adds its random seed (``wavegan_tf/seed``) to the variables and ``config.json`` beside them.
"""
