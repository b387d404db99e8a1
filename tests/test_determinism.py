import json

SCRIPT = """
import json
import tensorflow as tf
from wavegan_tf.training.determinism import make_deterministic

make_deterministic()
w = tf.Variable([5.0, 6.0])

@tf.function
def gradient(xs):
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(w * x) for x in xs])
    return tape.gradient(loss, w)

xs = [tf.constant([x, x]) for x in (1.0, 2.0, 3.0, 4.0)]
graph = gradient.get_concrete_function(xs).graph
print(json.dumps([gradient(xs).numpy().tolist(), sorted({op.type for op in graph.get_operations()}),
                  tf.config.optimizer.get_experimental_options()]))
"""


def test_gradients_are_summed_in_a_fixed_order(tmp_path, run_script):
    # In a process of its own: it changes TensorFlow for good.
    (tmp_path / "script.py").write_text(SCRIPT)
    result = run_script(str(tmp_path / "script.py"))
    assert result.returncode == 0, result.stderr
    gradient, ops, options = json.loads(result.stdout)
    assert gradient == [10.0, 10.0]
    assert "AddN" not in ops and "AddV2" in ops
    assert options["arithmetic_optimization"] is False
