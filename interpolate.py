"""Moves latent variables, follows every layer; ``python -m wavegan_tf interpolate`` does the same."""

from wavegan_tf.commands.run import run

if __name__ == "__main__":
    run("interpolate", usage="python interpolate.py")
