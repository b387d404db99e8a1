"""Shows what each layer of a network encodes; ``python -m wavegan_tf probe`` does the same."""

from wavegan_tf.commands.run import run

if __name__ == "__main__":
    run("probe", usage="python probe.py")
