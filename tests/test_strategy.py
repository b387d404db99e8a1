import json
import socket
from types import SimpleNamespace

import conftest
import numpy as np
import pytest
import replicas

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.training.options import TrainingConfig
from wavegan_tf.training.strategy import make_strategy, slurm_cluster, worker_place
from wavegan_tf.training.trainer import Trainer

# Two steps (four updates) of one replica and of two differ by the rounding of float32.
TOLERANCE = 1e-6


def free_addresses(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


@pytest.fixture(scope="module")
def trained(tmp_path_factory, start_script):
    """All values after the same training by one replica, two devices, two processes."""
    directory = tmp_path_factory.mktemp("replicas")
    script, addresses = conftest.ROOT / "tests/replicas.py", free_addresses(2)
    scripts = [
        start_script(str(script), directory / f"worker{i}.npz", f"worker{i}", *addresses)
        for i in range(2)
    ]
    scripts.append(start_script(str(script), directory / "mirrored.npz", "mirrored"))
    replicas.main(directory / "one.npz", "one")
    for each in scripts:
        result = each.finish()
        assert result.returncode == 0, result.stderr
    return {path.stem: dict(np.load(path)) for path in directory.iterdir()}


@pytest.mark.parametrize("way", ["mirrored", "worker0", "worker1"])
def test_two_replicas_train_as_one_does_and_workers_stay_the_same_to_the_bit(trained, way):
    one, two = trained["one"], trained[way]
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert one["global_step"] == two["global_step"] == 2
    assert len(one) > 60 and one.keys() == two.keys()
    for name in one.keys() - {"replicas"}:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-5, atol=TOLERANCE, err_msg=name)
        np.testing.assert_array_equal(trained["worker0"][name], trained["worker1"][name])


def test_one_replica_without_tf_config_or_with_a_cluster_of_one(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    strategy = make_strategy("auto")
    assert strategy.num_replicas_in_sync == 1 and worker_place(strategy) == (0, 1)
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS", raising=False)
    with pytest.raises(InputError, match="start it with SLURM's srun, or set TF_CONFIG"):
        make_strategy("multi_worker")
    config = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert make_strategy("auto").num_replicas_in_sync == 1


def test_the_tasks_of_a_slurm_step_are_the_workers(monkeypatch):
    step = {"NODELIST": "node[07-08]", "NUM_TASKS": "2", "TASKS_PER_NODE": "1(x2)"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_STEP_{name}", value)
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "1000123")
    cluster = slurm_cluster()
    assert cluster.cluster_spec().as_dict() == {"worker": ["node07:20123", "node08:20123"]}
    assert (cluster.task_type, cluster.task_id) == ("worker", 1)


@pytest.mark.parametrize(
    "config",
    [
        "{", "[]", '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "cook", "index": 0}}',
    ],
)  # fmt: skip
def test_a_bad_tf_config_is_shown(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError) as error:
        make_strategy("auto")
    assert str(error.value).startswith(
        f"TF_CONFIG={config}: is not of the form that TensorFlow documents"
    )


def test_what_replicas_cannot_share_is_refused():
    two = SimpleNamespace(num_replicas_in_sync=2)
    for config, batch_size, words in (
        (
            ModelConfig(dim=1),
            5,
            "--train_batch_size=5: .* must be a multiple of the 2 rep",
        ),
        (ModelConfig(dim=1, batchnorm=True), 4, "--wavegan_batchnorm: each of the"),
    ):
        with pytest.raises(InputError, match=words):
            Trainer(config, TrainingConfig(batch_size=batch_size), two)
