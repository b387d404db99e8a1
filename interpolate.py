"""Moves latent variables and follows every layer, as ``python -m wavegan_tf interpolate`` does."""

from wavegan_tf.commands.run import run

if __name__ == "__main__":
    run("interpolate", usage="python interpolate.py")
