"""Checkpoints of the PyTorch port; recorded by tests/record_port.py."""

import contextlib
import io
import os
import pickle
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_networks import assert_close

import wavegan_tf as wg
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.checkpoints.port import find_files, write
from wavegan_tf.checkpoints.state_dict import StateDict, write_state_dict
from wavegan_tf.errors import InputError

TORCH = Path(__file__).parent / "reference" / "torch"
NAMES = ("ciwgan", "wavegan_batchnorm", "fiwgan_65536")
CONVERT = "-m wavegan_tf convert_checkpoint"
CIWGAN = TORCH / "ciwgan" / "epoch15_step150_G.pt"
A = np.arange(6, dtype=np.float32).reshape(2, 3) / 4


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_equals_the_ports(reference, name):
    directory = reference / "torch" / name
    opened = open_checkpoint(directory, {"model": name.split("_")[0]})
    expected = dict(np.load(directory / "expected.npz"))
    generated = opened.networks.generator(expected.pop("z"))
    outputs = {f"G_upconv{i}": generated[x.name] for i, x in enumerate(opened.config.layers)}
    x = expected.pop("x")
    for network in filter(None, opened.networks[1:]):
        found = network(x)
        outputs[f"{network.name}_logits"] = np.reshape(found.pop("logits"), [len(x), -1])
        outputs |= {f"{network.name}_downconv_{i}": y for i, y in enumerate(found.values())}
    assert outputs.keys() == expected.keys()
    for key, value in outputs.items():
        assert_close(value, expected[key], key)


def test_slopes_of_before_april_2025():
    old = np.load(TORCH / "old_slopes.npz")
    networks = open_checkpoint(CIWGAN, {"d_slope": 2.0, "q_slope": 0.0}).networks
    logits = networks.discriminator(old["x"])["logits"]
    assert_close(np.reshape(logits, [-1, 1]), old["D_logits"], "D")
    assert_close(networks.q(old["x"])["logits"], old["Q_logits"], "Q")


@pytest.mark.parametrize("name", [x.stem for x in (TORCH / "formats").iterdir()])
def test_every_form_of_a_state_dict_is_read(name):
    state = StateDict(str(TORCH / "formats" / f"{name}.pt"))
    dtype = {"half": np.float16, "double": np.float64}.get(name, np.float32)
    np.testing.assert_array_equal(state.read("a"), A.astype(dtype), strict=True)
    assert state.read("b") == 7
    if "c" in state.shapes:
        np.testing.assert_array_equal(state.read("c"), A.T.astype(dtype), strict=True)


def test_where_a_tensor_lay_and_its_order_of_bytes_do_not_matter(tmp_path):
    path = tmp_path / "gpu.pt"
    with zipfile.ZipFile(TORCH / "formats" / "zip.pt") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("data.pkl"):
                data = data.replace(b"\x03\0\0\0cpu", b"\x06\0\0\0cuda:3")
            if name.endswith("byteorder"):
                data = b"big"
            if name.endswith("data/0"):
                data = np.frombuffer(data, "<f4").astype(">f4").tobytes()
            new.writestr(name, data)
    np.testing.assert_array_equal(StateDict(str(path)).read("a"), A)


def test_a_state_dict_that_is_written_is_read(tmp_path):
    path = str(tmp_path / "x.pt")
    written = {"a": A, "t": A.T, "n": np.array(5, np.int64), "e": np.zeros([0, 2], np.float32)}
    write_state_dict(path, written)
    state = StateDict(path)
    for key, value in written.items():
        np.testing.assert_array_equal(state.read(key), value, strict=True)


def test_the_newest_epoch_of_a_folder_with_d_and_q_beside(tmp_path):
    for stem, letters in (
        ("epoch9_step900", "GDQ"),
        ("epoch10_step20", "GD"),
        ("epoch100_step5", "D"),
    ):
        for letter in letters:
            shutil.copy(
                CIWGAN.with_name(f"epoch15_step150_{letter}.pt"), tmp_path / f"{stem}_{letter}.pt"
            )
    shutil.copy(TORCH / "formats" / "zip.pt", tmp_path / "epoch100_step5_Gopt.pt")
    newest = {x: str(tmp_path / f"epoch10_step20_{x}.pt") for x in "GD"}
    for path in (tmp_path, newest["G"], tmp_path / "epoch10_step20"):
        assert find_files(str(path)) == newest
    opened = open_checkpoint(tmp_path, {"num_categ": 3, "model": "ciwgan"})
    assert opened.step == 20 and opened.networks.discriminator and opened.networks.q is None


def test_a_generator_of_any_name(tmp_path):
    path = tmp_path / "Gen.pkl"
    shutil.copy(CIWGAN, path)
    for each in (path, tmp_path):
        model = wg.load(each, model="ciwgan", num_categ=3)
        assert model.checkpoint["prefix"] == str(path) and model.q is model.discriminator is None
    shutil.copy(path, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"several checkpoints.*Gen.pkl, other.pt.*name one"):
        wg.load(tmp_path)


def test_what_no_file_says_is_taken_with_a_warning_and_given_without(caplog):
    open_checkpoint(CIWGAN)
    (warning,) = caplog.messages
    for said in (
        "sample_rate=16000",
        "--model=ciwgan",
        "--d_slope=0.2 (2 before",
        "--q_slope=0.2 (0",
    ):
        assert said in warning
    caplog.clear()
    given = {"sample_rate": 8000, "model": "fiwgan", "d_slope": 0.2, "q_slope": 0.2}
    config = open_checkpoint(CIWGAN, given).config
    assert not caplog.messages and (config.sample_rate, config.model) == (8000, "fiwgan")
    with pytest.raises(InputError, match="--data_slice_len=65536: .*_G.pt says 16384"):
        open_checkpoint(CIWGAN, {"slice_len": 65536})


def test_an_output_of_q_for_none_of_the_codes(tmp_path):
    shutil.copytree(CIWGAN.parent, tmp_path, dirs_exist_ok=True)
    model = wg.load(tmp_path, num_categ=2)  # of Q's three outputs
    assert model.config.num_categ == 2
    x = np.load(CIWGAN.with_name("expected.npz"))
    assert_close(model.run("q", x["x"])["logits"], x["Q_logits"], "Q")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda state: {k: x for k, x in state.items() if "upconv4" not in k}, "no tensors"),
        (lambda state: state | {"mlp.weight": A}, "'mlp.weight' has shape [2, 3], .* None"),
        (lambda state: state | {"upconv9.conv.bias": A[0]}, "'upconv9.conv.bias' has shape"),
        (lambda state: state | {"upconv2.batch_norm.bias": A[0, :2]}, "batch_norm"),
        (lambda state: state | {"upconv1.conv.weight": np.zeros([8, 4, 9], "f4")}, "[8, 4, 9]"),
        (lambda state: {k: x for k, x in state.items() if k != "z_project.bias"}, "shape None"),
        (lambda state: state | {f"upconv{i}.conv.weight": A[None] for i in range(7)}, "no tensors"),
    ],
)  # fmt: skip
def test_tensors_of_another_network_are_refused(tmp_path, make, reason):
    state = StateDict(str(CIWGAN))
    path = str(tmp_path / "G.pt")
    write_state_dict(path, make({key: state.read(key) for key in state.shapes}))
    with pytest.raises(InputError, match=reason.replace("[", r"\[")):
        open_checkpoint(path)


def test_a_discriminator_of_another_model_is_named(tmp_path):
    shutil.copy(CIWGAN, tmp_path / "G.pt")
    other = TORCH / "wavegan_batchnorm" / "epoch10_step100_D.pt"
    shutil.copy(other, tmp_path / "D.pt")  # its batch norm would be left out
    with pytest.raises(InputError, match=r"D.pt: 'downconv_0.batchnorm.weight' has shape \[1\]"):
        open_checkpoint(tmp_path, {"model": "ciwgan", "num_categ": 3})


def test_what_else_lies_in_the_folder_does_not_matter(tmp_path):
    shutil.copy(CIWGAN, tmp_path / "model.pt")
    np.savez(tmp_path / "results.npz", A)
    shutil.copy(TORCH / "formats" / "zip.pt", tmp_path / "optimiser.pt")
    (tmp_path / "empty.pt").touch()
    os.mkfifo(tmp_path / "pipe.pt")
    assert find_files(tmp_path) == {"G": str(tmp_path / "model.pt")}
    (tmp_path / "model.ckpt-5.index").touch()
    with pytest.raises(InputError, match="several checkpoints.*model.ckpt-5.index, model.pt"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("path", "given", "reason"),
    [
        (
            CIWGAN,
            {"model": "wavegan"},
            "--model=wavegan: a wavegan has no Q-network, but here is one",
        ),
        (TORCH / "wavegan_batchnorm", {"model": "ciwgan"}, "add --num_categ"),
        (CIWGAN, {"d_slope": float("nan")}, "--d_slope=nan: must be within 0 .. 10"),
        (CIWGAN, {"q_slope": 20.0}, "--q_slope=20: must be within 0 .. 10"),
    ],
)
def test_what_contradicts_the_files_is_refused(path, given, reason):
    with pytest.raises(InputError, match=reason):
        open_checkpoint(path, given)


def test_the_file_of_a_discriminator_is_no_generator():
    with pytest.raises(
        InputError, match="Discriminator's or Q-network's tensors.*give the file of"
    ):
        open_checkpoint(CIWGAN.with_name("epoch15_step150_D.pt"))


class Calls:
    """Pickled as a call of anything."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@contextlib.contextmanager
def memory_below(size):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def archive_of(path, pickled, compression=zipfile.ZIP_STORED, storage=b"\0" * 24):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x/data.pkl", pickled)
        archive.writestr("x/data/0", storage)


def pickled_tensor(shape="(2, 3)", hooks=b"N", count=6, before=b""):
    """A state dict of one tensor, by hand; ``hooks`` are the opcodes of its last argument."""
    shape, strides = (pickle.dumps(x, 2)[2:-1] for x in (eval(shape), (3, 1)))
    parts = [
        b"\x80\x02}", before, b"X\x01\0\0\0a", b"ctorch._utils\n_rebuild_tensor_v2\n", b"(",
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpu",
        pickle.dumps(count, 2)[2:-1], b"tQ", b"K\x00", shape, strides, b"\x89", hooks, b"tRs.",
    ]  # fmt: skip
    return b"".join(parts)


def test_the_tensor_by_hand_is_good(tmp_path):
    archive_of(tmp_path / "G.pt", pickled_tensor())
    assert StateDict(str(tmp_path / "G.pt")).shapes == {"a": (2, 3)}


SYSTEM = "asks for (posix|nt).system"
TENSOR = pickled_tensor()
DAG = b"K\0" + b"q\0h\0\x86" * 40  # a tuple of 2^40 leaves, each a name for the one before
HOSTILE = {
    "system": (pickle.dumps({"a": Calls(os.system, "touch called")}, 2), SYSTEM),
    "builtin": (pickle.dumps(Calls(eval, "open('called', 'w')"), 2), "asks for __builtin__.eval"),
    "stack_global": (pickle.dumps(Calls(os.system, "touch called"), 4), SYSTEM),
    "in_arguments": (
        pickled_tensor(hooks=b"cposix\nsystem\nX\x0c\0\0\0touch called\x85R"), SYSTEM,
    ),
    "dotted": (
        pickled_tensor(before=b"ccollections\nOrderedDict.__init__\n0"), "OrderedDict.__init__",
    ),
    "module": (pickle.dumps({"a": Calls(shutil.rmtree, "called")}, 2), "asks for shutil.rmtree"),
    "lines": (b"\x80\x04\x8c\x02a\n\x8c\x02b\n\x93.", r"asks for a\\n.b\\n"),
    "new": (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "has the opcode NEWOBJ"),
    "extension": (b"\x80\x02\x82\x01.", "has the opcode EXT1"),
    "bytes": (b"\x80\x05\x96\0\0\0\0\x01\0\0\0.", "BYTEARRAY8|expected"),
    "memory": (b"\x80\x02}r\xff\xff\xff\x7f.", "holds no state dict"),
    "short": (pickled_tensor(shape="(2, 4)"), r"\[2, 4\] exceeds its storage of 6"),
    "endless": (pickled_tensor(count=10**15), "4000000000000000 bytes announced"),
    "negative": (pickled_tensor(shape="(-2, -3)"), "a size below 0"),
    "large": (pickled_tensor(shape="(2, 2**70)"), "a size below 0 or beyond all files"),
    "dimensions": (pickled_tensor(shape="(1,) * 40"), "too many dimensions"),
    "itself": (b"\x80\x02}q\x00X\x01\0\0\0ah\x00s.", "'a' is no tensor"),
    "key": (b"\x80\x02})" + b"\x85" * 60_000 + b"Ns.", "a tuple in the place of a str"),
    "hash": (b"\x80\x02}" + DAG + b"Ns.", "a tuple in the place of a str"),
    "storage": (TENSOR.replace(b"X\x01\0\0\x000X", DAG + b"X"), "a tuple in the place of a str"),
    "copies": (
        b"\x80\x02ccollections\nOrderedDict\nq\0}q\x01" + b"h\0h\x01\x85R" * 9000 + b".",
        "a call of what is no function",
    ),
    "text": (b"\x80\x02}X\x05\0\0\0\x1b[31mK\x01s.", r"'\\x1b\[31m' is no tensor"),
    "nothing": (b"\x80\x02RRR.", "without what it takes"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("old", [False, True])
def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(tmp_path, monkeypatch, name, old):
    pickled, reason = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    if old:
        file = io.BytesIO()
        for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(part, file, 2)
        keys = pickle.dumps(["0"] if b"_rebuild" in pickled else [], 2)
        storage = (6).to_bytes(8, "little") + bytes(24)
        Path("G.pt").write_bytes(file.getvalue() + pickled + keys + storage)
    else:
        archive_of("G.pt", pickled)
    if old and name == "endless":
        reason = "bytes announced"  # of all storages
    with memory_below(20e6):
        with pytest.raises(InputError, match=reason) as caught:
            StateDict("G.pt")
        said = str(caught.value)
        assert said.startswith("G.pt: ") and said.isprintable() and len(said) < 400
    assert os.listdir() == ["G.pt"]


def test_an_archive_that_swells_is_refused(tmp_path):
    zeros = bytes(50_000_000)
    archive_of(tmp_path / "pickle.pt", zeros, zipfile.ZIP_DEFLATED)
    archive_of(tmp_path / "tensor.pt", pickled_tensor(), zipfile.ZIP_DEFLATED, zeros)
    archive_of(tmp_path / "long.pt", pickled_tensor() + zeros)
    assert (tmp_path / "tensor.pt").stat().st_size < 60_000
    with memory_below(20e6):
        for name in ("pickle", "tensor", "long"):
            with pytest.raises(InputError, match="is compressed|has 50000"):
                StateDict(str(tmp_path / f"{name}.pt")).read("a")


@pytest.mark.parametrize("name", ["zip", "old"])
def test_a_truncated_file_is_named(tmp_path, name):
    whole = (TORCH / "formats" / f"{name}.pt").read_bytes()
    for length in (0, 3, 20, len(whole) // 2, len(whole) - 8):
        path = tmp_path / "G.pt"
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"G.pt: truncated or damaged"):
            StateDict(str(path))
            raise AssertionError(length)


def test_a_storage_shorter_than_it_says_is_named(tmp_path):
    path = str(tmp_path / "G.pt")
    archive_of(path, pickled_tensor(), storage=bytes(20))
    with pytest.raises(InputError, match="'a': 24 bytes announced, 20 there"):
        StateDict(path)


def test_an_old_file_whose_storages_end_before_they_begin_is_refused(tmp_path):
    """The sizes of two storages, one of them negative, add up to what is there."""
    unused = b"X\x01\0\0\0b(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x001X\x03\0\0\0cpu"
    unused += pickle.dumps(-10_000, 2)[2:-1] + b"tQs"
    file = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(part, file, 2)
    large = pickled_tensor(shape="(10000, 1)", count=10_000, before=unused)
    keys = pickle.dumps(["0", "1"], 2)
    (tmp_path / "G.pt").write_bytes(file.getvalue() + large + keys + bytes(100))
    with pytest.raises(InputError, match="a size below 0"):
        StateDict(str(tmp_path / "G.pt"))


def test_a_flipped_bit_in_a_tensor_is_found(tmp_path):
    whole = bytearray((TORCH / "formats" / "zip.pt").read_bytes())
    whole[whole.index(A.tobytes()) + 9] ^= 1
    (tmp_path / "G.pt").write_bytes(whole)
    with pytest.raises(InputError, match="a wrong checksum"):
        StateDict(str(tmp_path / "G.pt")).read("a")


def test_a_round_trip_changes_no_bit(run_script, tmp_path):
    flags = ("--model=fiwgan", "--data_sample_rate=8000")
    theirs, ours, again = TORCH / "fiwgan_65536", tmp_path / "ours", tmp_path / "again"
    for source, to, target in ((theirs, "native", ours), (ours, "torch", again)):
        result = run_script(CONVERT, "--ckpt", source, f"--to={to}", "--out_dir", target, *flags)
        assert result.returncode == 0, result.stderr
    for letter in "GDQ":
        before = StateDict(str(theirs / f"epoch6_step60_{letter}.pt"))
        after = StateDict(str(again / f"epoch0_step60_{letter}.pt"))
        assert before.shapes == after.shapes
        for key in before.shapes:
            np.testing.assert_array_equal(before.read(key), after.read(key), strict=True)
    opened = open_checkpoint(ours)  # its config.json says what the flags did
    assert (opened.config.model, opened.config.sample_rate, opened.step) == ("fiwgan", 8000, 60)
    z = np.load(theirs / "expected.npz")["z"]
    first = open_checkpoint(theirs, {"model": "fiwgan"}).networks.generator(z)["out"]
    np.testing.assert_array_equal(opened.networks.generator(z)["out"], first)


def test_batch_norm_is_written_as_it_was_read(tmp_path):
    source = TORCH / "wavegan_batchnorm"
    opened = open_checkpoint(source)
    names = write(str(tmp_path), opened.networks, opened.config, opened.step)
    assert names == ["epoch0_step100_G.pt", "epoch0_step100_D.pt"]
    before = StateDict(str(source / "epoch10_step100_D.pt"))
    after = StateDict(str(tmp_path / "epoch0_step100_D.pt"))
    assert before.shapes.keys() == after.shapes.keys()
    for key in before.shapes:
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(before.read(key), after.read(key), strict=True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((CONVERT, "--to=torch", "--ckpt=wavegan_tf/demo/reduplication"), "no ReLU after its proj"),
        ((CONVERT, "--to=original", "--ckpt", CIWGAN), "which the original cannot hold"),
        (("train.py", "--data_dir=x", "--init_ckpt", CIWGAN), "a model of the PyTorch port"),
    ],
)
def test_what_the_other_layers_cannot_hold_is_refused(run_script, tmp_path, words, reason):
    out = "--train_dir" if words[0] == "train.py" else "--out_dir"
    result = run_script(*words, out, tmp_path / "out")
    assert result.returncode == 1 and reason in result.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("network", ["discriminator", "q"])
def test_d_and_q_of_the_port_hear_recordings(network):
    model = wg.load(CIWGAN, model="ciwgan")
    folder = Path(__file__).parent / "reference" / "audio"
    result = wg.probe(
        model, network=network, wav_dir=str(folder), controls=0, layers="conv1", jobs=1
    )
    logits = result.tables["logits"].filter(like="logit_")
    assert logits.shape[1] == (3 if network == "q" else 1) and logits.notna().any(axis=None)
