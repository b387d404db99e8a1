"""Trains a WaveGAN, ciwGAN or fiwGAN; ``python -m wavegan_tf train`` does the same."""

from wavegan_tf.commands.run import run

if __name__ == "__main__":
    run("train", usage="python train.py")
