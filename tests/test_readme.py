"""The README's examples, run in its order."""

import re
import shlex
import subprocess
import sys

import conftest
import pytest
import tensorflow as tf
from made_timit import make_tree
from test_prepare_words import make_librispeech
from test_strategy import free_addresses

from wavegan_tf.checkpoints.open import open_checkpoint

README = (conftest.ROOT / "README.md").read_text()

# Added to an example, so that it takes seconds: the last of two equal flags counts.
SMALL = {
    "train.py": ["--wavegan_dim=1", "--train_batch_size=2", "--train_steps=2"],
    "probe.py": ["--controls=1", "--nofigures", "--jobs=1", "--layers=conv4"],
    "interpolate.py": [
        *("--n=1", "--layers=conv4", "--jobs=1", "--reference_outputs=0", "--nofigures"),
    ],
    "-m wavegan_tf.tools.identify": [
        *("--property=rms_db", "--n=30", "--proof_outputs=2", "--code_outputs=1", "--top=1"),
        *("--controls=1", "--values=-1,1", "--n_permutations=99", "--n_resamples=100"),
        *("--n_selections=10", "--nofigures", "--jobs=1"),
    ],
    "-m wavegan_tf.tools.feature_maps": ["--n=5", "--layer=conv1", "--nofigures", "--jobs=1"],
    "-m wavegan_tf.tools.make_corpus": ["--n=12", "--jobs=1"],
    "-m wavegan_tf.tools.prepare_words": ["--skip_words=1", "--num_words=3", "--jobs=1"],
    "-m wavegan_tf.tools.intervene": ["--n=2", "--layers=conv4", "--nofigures", "--jobs=1"],
}
SCRIPTS = ("train.py", "probe.py", "interpolate.py")
TOOLS = [
    f"-m wavegan_tf.tools.{name}"
    for name in ("convert_checkpoint", "figures", "merge_shards", "prepare_timit")
]


def examples(language):
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert blocks
    return blocks


@pytest.fixture(scope="module")
def desk(tmp_path_factory, speech_dir):
    """A folder as the README assumes it: the scripts, recordings, an original's checkpoint."""
    desk = tmp_path_factory.mktemp("desk")
    for name in ("wavegan_tf", "train.py", "probe.py", "interpolate.py", "tests", "recipes"):
        (desk / name).symlink_to(conftest.ROOT / name)
    (desk / "recordings").symlink_to(speech_dir)
    make_tree(desk / "TIMIT")
    make_librispeech(desk)
    (desk / "mfa").rename(desk / "LibriSpeech_aligned")
    return desk


def turn(command):
    """Corpora first, then the trainings that need nothing else, then what opens them."""
    if any(tool in " ".join(command) for tool in ("make_corpus", "prepare_")):
        return 0
    return 1 if command[0] == "train.py" and "--init_ckpt=original" not in command else 2


def test_every_command_of_the_readme_runs(desk, run_script):
    lines = [line for block in examples("sh") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("python ")]
    assert {command[0] for command in commands} == {*SCRIPTS, "-m"}
    commands.sort(key=turn)
    for command in commands:
        number = 2 if command[0] == "-m" else 1
        script, flags = " ".join(command[:number]), command[number:]
        small = list(SMALL.get(script, []))
        if script == "probe.py" and not any(flag.startswith("--network=") for flag in flags):
            small.append("--n=2")
        result = run_script(script, *flags, *small, cwd=desk)
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    for name in ("probed", "corrected", "codes", "classified", "merged", "interpolated_c2"):
        assert (desk / name / "measurements.csv").is_file()
    for name in ("identified/ranking", "followed/selectivity", "intervened/interventions"):
        assert (desk / f"{name}.csv").is_file()
    assert (desk / "original" / "args.txt").is_file()
    assert (desk / "train" / "continued" / "checkpoint").is_file()
    original = tf.train.list_variables(str(desk / "original"))
    assert original and not any(name.startswith("wavegan_tf/") for name, _ in original)


def test_the_two_machines_of_the_readme_train_together(desk):
    lines = [line for block in examples("sh") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("TF_CONFIG=")]
    assert len(commands) == 2
    processes = []
    addresses = free_addresses(2)
    for command in commands:
        for node, address in zip(("node1:2222", "node2:2222"), addresses, strict=True):
            command = command.replace(node, address)
        command = command.replace("python ", f"{sys.executable} ")
        command = " ".join(["exec", "env", command, *SMALL["train.py"]])
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, shell=True, cwd=desk, stdout=pipe, stderr=pipe, text=True
        )
        processes.append(process)
    for process in processes:
        output, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        assert "at step 2" in output
    assert open_checkpoint(desk / "train" / "two").step == 2


def test_the_readmes_python_runs(desk):
    for code in examples("python"):
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=desk, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        assert "'conv4': (2, 4096, 2)" in result.stdout


def test_every_flag_the_readme_names_exists(run_script):
    helps = "".join(run_script(script, "--help").stdout for script in (*SMALL, *TOOLS))
    flags = re.findall(r"^\s+--(\[no\])?(\w+):", helps, re.MULTILINE)
    known = {name for _, name in flags} | {f"no{name}" for no, name in flags if no}
    known |= {"help", "logdir", "flagfile"}
    named = {flag for flag in re.findall(r"--(\w+)", README)}
    others = {
        "check",
        "samples_per_plugin",
        "nodes",
        "ntasks",
        "array",
        "dist",
    }  # of other programs
    assert named - known == others


def test_every_file_and_picture_the_readme_names_exists():
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (conftest.ROOT / target).is_file()
