import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.probing.run import read_shard


@pytest.mark.parametrize(("n", "count", "multiple"), [(25, 4, 1), (10, 10, 1), (26, 3, 2)])
def test_shards_are_all_outputs_once_and_pairs_stay_together(n, count, multiple):
    bounds = [read_shard(f"{k}/{count}", n, multiple) for k in range(1, count + 1)]
    assert bounds[0][0] == 0 and bounds[-1][1] == n
    assert all(a[1] == b[0] for a, b in zip(bounds, bounds[1:], strict=False))
    assert all(stop > start and start % multiple == 0 for start, stop in bounds)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "1/6"])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(InputError, match=f"--shard={text}: "):
        read_shard(text, 5)
