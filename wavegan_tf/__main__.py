"""``python -m wavegan_tf``: the list of commands, or one of them."""

from wavegan_tf.commands.run import main

if __name__ == "__main__":
    main()
