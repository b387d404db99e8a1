"""Full disks, read-only directories, power cuts, kills and second processes."""

import contextlib
import errno
import fcntl
import json
import os
import platform
import resource
import signal
import subprocess
import sys

import conftest
import kill_and_resume
import numpy as np
import pytest

from wavegan_tf.checkpoints import files, lock, run
from wavegan_tf.checkpoints.lock import run_lock
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

LARGE = {"x": np.arange(300_000.0)}  # 2.4 MB


def save(directory, step, keep=0, value=0.0):
    return files.write_checkpoint(str(directory), {"x": np.full(100, value)}, step, keep)


def content(directory):
    """Every file of a directory by its bytes."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*.*")}


@pytest.fixture
def small_disk(tmp_path):
    """An own file system of 1 MB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@contextlib.contextmanager
def files_no_larger_than(size):
    """The system refuses every write beyond so many bytes of a file, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_save_that_the_system_refuses_midway_leaves_all_as_it_was(tmp_path):
    save(tmp_path, 1)
    before = content(tmp_path)
    with files_no_larger_than(1_000_000), pytest.raises(InputError) as error:
        files.write_checkpoint(str(tmp_path), LARGE, 2, keep=1)
    for words in ("model.ckpt-2 not saved: File too large", "needs 2.4 MB", "ckpt-1, is whole"):
        assert words in str(error.value)
    assert content(tmp_path) == before


def test_a_disk_that_turns_read_only_leaves_the_checkpoint_and_is_refused(small_disk, run_script):
    save(small_disk, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(InputError, match="Read-only file system.*ckpt-1, is whole"):
        save(small_disk, 2)
    np.testing.assert_array_equal(files.newest_whole(str(small_disk)).read("x"), np.zeros(100))
    result = run_script("train.py", "--data_dir=speech", f"--train_dir={small_disk}")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert "cannot be written to (Read-only file system)" in result.stderr


def test_a_run_that_fills_its_disk_ends_in_one_line_at_a_whole_checkpoint(
    small_disk, run_script, speech_dir
):
    result = run_script(
        "train.py", f"--data_dir={speech_dir}", f"--train_dir={small_disk}", "--data_first_slice",
        "--wavegan_dim=1", "--train_batch_size=2", "--wavegan_disc_nupdates=1",
        "--wavegan_loss=lsgan", "--train_save_steps=1", "--train_keep=0", "--train_summary_secs=0",
    )  # fmt: skip
    assert result.returncode == 1 and "Traceback" not in result.stderr, result.stderr
    assert result.stderr.count("error: ") == 1 and "No space left" in result.stderr
    newest = files.newest_whole(str(small_disk))
    assert f"{newest.prefix}, is whole" in result.stderr
    assert not list(small_disk.glob(".*")) and not list(small_disk.glob("*.saving"))


def test_saving_a_step_again_never_mixes_two_saves(tmp_path, monkeypatch):
    save(tmp_path, 1, value=1)
    save(tmp_path, 2, value=2)
    replace = os.replace

    def killed_after_data(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed_after_data)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 2, value=3)
    monkeypatch.undo()
    newest = files.newest_whole(str(tmp_path))
    assert newest.prefix.endswith("ckpt-1") and np.all(newest.read("x") == 1)


@pytest.mark.parametrize("suffix", files.SUFFIXES)
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "missing"])
def test_a_damaged_newest_checkpoint_is_passed_over_by_name(tmp_path, caplog, suffix, damage):
    assert files.newest_whole(str(tmp_path)) is None
    good, bad = (save(tmp_path, step, value=step) for step in (10, 200))
    path = tmp_path / f"model.ckpt-200{suffix}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data if damage == "overwritten" else data[: len(data) // 2])
    if damage == "missing":
        path.unlink()
    assert files.newest_whole(str(tmp_path)).prefix == good
    if (damage, suffix) != ("missing", ".index"):  # without its index it is no checkpoint
        assert bad in caplog.text and f"going on from {good}" in caplog.text
        (tmp_path / "model.ckpt-10.index").write_bytes(b"")
        with pytest.raises(InputError, match="no checkpoint in it can be read.*ckpt-200"):
            files.newest_whole(str(tmp_path))


def test_a_checkpoint_inside_a_step_comes_between_its_neighbours(tmp_path):
    places = [(9, 0), (10, 0), (10, 2), (10, 11), (11, 0)]
    for step, updates in places:
        files.write_checkpoint(str(tmp_path), {"x": np.zeros(1)}, step, updates=updates)
    (tmp_path / "checkpoint").unlink()
    prefixes = files.list_prefixes(str(tmp_path))
    assert [files.place(prefix) for prefix in prefixes] == places
    assert files.find_prefix(prefixes[2] + ".index") == prefixes[2]


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "thesis.data-00000-of-00001").write_bytes(b"mine")
    before = content(tmp_path)
    (tmp_path / ".saving-abc").mkdir()
    (tmp_path / ".saving-abc" / "model.index").write_bytes(b"half")
    (tmp_path / f"model.ckpt-2{files.DATA_SUFFIX}").write_bytes(b"half")
    run.remove_remains(str(tmp_path))
    assert content(tmp_path) == before


@pytest.mark.parametrize("links", [True, False])
def test_backups_are_kept_for_good_so_many_hours_apart(tmp_path, monkeypatch, links):
    def no_links(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:  # as some file systems have none
        monkeypatch.setattr(os, "link", no_links)
    run.write_run_config(str(tmp_path), {"model": ModelConfig()})
    for hour in range(8):
        prefix = save(tmp_path, hour, keep=1, value=hour)
        os.utime(f"{prefix}.index", (hour * 3600.0, hour * 3600.0))
        assert (run.back_up(prefix, hours=3) is not None) == (hour % 3 == 0)
    backups = files.list_prefixes(str(tmp_path / "backups"))
    assert [files.place(prefix)[0] for prefix in backups] == [0, 3, 6]
    for prefix in backups:
        assert np.all(files.Checkpoint(prefix).read("x") == files.place(prefix)[0])
    assert run.read_run_config(str(tmp_path / "backups")) == run.read_run_config(str(tmp_path))
    assert [files.place(p)[0] for p in files.list_prefixes(str(tmp_path))] == [7]


HOLD = """
import sys, time
from wavegan_tf.checkpoints.lock import run_lock
with run_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=conftest.ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def no_flock(descriptor, operation):
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_second_training_is_refused_naming_the_first(tmp_path, holder, run_script):
    result = run_script("train.py", "--data_dir=speech", f"--train_dir={tmp_path}")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    for words in (f"--train_dir={tmp_path}", f"process {holder.pid} on {platform.node()}, since"):
        assert words in result.stderr


@pytest.mark.parametrize("flock", [True, False], ids=["flock", "no flock"])
def test_a_killed_process_holds_no_lock(tmp_path, holder, monkeypatch, flock):
    if not flock:
        monkeypatch.setattr(fcntl, "flock", no_flock)
    with pytest.raises(InputError, match=f"process {holder.pid}"), run_lock(str(tmp_path)):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with run_lock(str(tmp_path)):
        assert json.loads((tmp_path / lock.LOCK_FILE).read_text())["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"started": 1}, False),  # the number belongs to a later process now
        ({"host": "elsewhere"}, True),
    ],
)
def test_without_flock_the_process_in_the_file_counts(tmp_path, monkeypatch, change, refused):
    monkeypatch.setattr(fcntl, "flock", no_flock)
    with run_lock(str(tmp_path)):
        record = json.loads((tmp_path / lock.LOCK_FILE).read_text())
    (tmp_path / lock.LOCK_FILE).write_text(json.dumps(record | change))
    with pytest.raises(InputError) if refused else contextlib.nullcontext() as error:
        with run_lock(str(tmp_path)):
            pass
    if "host" in change:
        assert f"remove {tmp_path / lock.LOCK_FILE}" in str(error.value)


def test_a_directory_made_for_the_lock_stays_only_if_something_was_written(tmp_path):
    directory = tmp_path / "new" / "run"
    with run_lock(str(directory)):
        pass
    assert not list(tmp_path.iterdir())
    with run_lock(str(directory)):
        (directory / "config.json").write_text("{}")
    assert [p.name for p in directory.iterdir()] == ["config.json"]


def test_killed_at_random_moments_a_training_loses_nothing(tmp_path, speech_dir, start_script):
    words = [
        str(conftest.ROOT / "train.py"), f"--data_dir={speech_dir}", "--train_dir={run}",
        "--deterministic", "--data_first_slice", "--wavegan_dim=1", "--train_batch_size=2",
        "--wavegan_loss=dcgan", "--wavegan_disc_nupdates=2", "--train_save_steps=1",
        "--train_steps=40",
    ]  # fmt: skip

    def start(command):
        return start_script(*command)

    kill_and_resume.kill_and_resume(words, tmp_path / "work", 2, span_s=0.3, start=start)
