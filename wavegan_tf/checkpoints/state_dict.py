"""State dicts of PyTorch, read and written without torch.

A state dict is an ordered dictionary of tensors that ``torch.save`` pickled: in a zip archive of
``data.pkl`` and one file per storage, or, before PyTorch 1.6, as pickles with the storages behind
them. A pickle can call anything; here it can make dictionaries and rebuild tensors, and nothing
else. What it says is held against the bytes that are there before a value is read.
"""

import io
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from wavegan_tf.errors import InputError

SUFFIXES = (".pt", ".pth", ".pkl", ".bin", ".tar", ".ckpt")

_ZIP = b"PK\x03\x04"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the older format
_OLD = pickle.dumps(_MAGIC, 2)
_LONGEST_PICKLE = 1 << 20  # bytes; a state dict of the port takes 6,000

_STORAGES = {
    "HalfStorage": "f2", "FloatStorage": "f4", "DoubleStorage": "f8", "LongStorage": "i8",
    "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
_DAMAGED = (
    pickle.UnpicklingError, zipfile.BadZipFile, struct.error, ArithmeticError, AttributeError,
    EOFError, LookupError, MemoryError, NotImplementedError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a truncated, damaged or hostile file makes of the reader."""

_FORBIDDEN = b"".join((
    pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2,
    pickle.EXT4, pickle.PERSID, pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
))  # fmt: skip
"""Opcodes that call classes or take memory; a state dict has none of them."""


class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int  # in elements


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int  # in elements, as the strides
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _ForbiddenError(Exception):
    """A class or function that a state dict does not need."""


class StateDict:
    """A state dict: ``path`` of its file, ``shapes`` by key, values on demand."""

    def __init__(self, path: str):
        """Reads the keys and shapes of a file.

        Raises:
            InputError: It is no state dict, truncated, damaged, or asks for a class that a state
                dict does not need; nothing of it was run.
        """
        self.path = path
        try:
            with open(path, "rb") as file:
                is_zip = file.read(len(_ZIP)) == _ZIP
            found = self._open_zip() if is_zip else self._open_old()
            if not isinstance(found, dict) or not found:
                raise InputError(f"{path}: holds no state dict; save that of the model, {_SAVE}")
            self._tensors = {_plain(key): self._checked(key, x) for key, x in found.items()}
        except InputError:
            raise
        except _ForbiddenError as error:
            raise InputError(f"{path}: {error}") from None
        except _DAMAGED as error:
            raise self._damaged(error) from None
        self.shapes = {key: tensor.shape for key, tensor in self._tensors.items()}

    def read(self, key: str) -> np.ndarray:
        """Reads a tensor in the type that it was saved in; raises InputError if it is missing."""
        if key not in self._tensors:
            raise InputError(f"{self.path}: {key} is missing; is it a file of the PyTorch port?")
        tensor = self._tensors[key]
        try:
            flat = self._read(tensor.storage)[tensor.offset :]
        except _DAMAGED as error:
            raise self._damaged(error) from None
        strides = [flat.itemsize * stride for stride in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)

    def _open_zip(self) -> Any:
        with zipfile.ZipFile(self.path) as archive:
            name = next(x for x in archive.namelist() if x.endswith("/data.pkl"))
            self._folder = name.removesuffix("data.pkl")
            order = f"{self._folder}byteorder"
            is_big = order in archive.namelist() and _stored(archive, order, 16) == b"big"
            self._order, self._old_start = "><"[not is_big], dict[str, int]()
            return _unpickle(io.BytesIO(_stored(archive, name, _LONGEST_PICKLE)))

    def _open_old(self) -> Any:
        with open(self.path, "rb") as raw:
            file = io.BytesIO(raw.read(_LONGEST_PICKLE))
        if not file.getvalue().startswith(_OLD):
            raise ValueError("it begins as no file of torch.save does")
        if [_unpickle(file), _unpickle(file)] != [_MAGIC, _PROTOCOL]:
            raise ValueError("an unknown version")
        self._order = "<" if _unpickle(file)["little_endian"] else ">"
        storages: dict[str, _Storage] = {}
        found, keys = _unpickle(file, storages), _unpickle(file)
        start, self._old_start = file.tell(), {}
        for key in keys:
            storage = storages[key]
            self._old_start[key] = start + 8  # after its number of elements
            start += 8 + storage.size * np.dtype(storage.dtype).itemsize
        if start > os.path.getsize(self.path):
            raise ValueError(f"{start} bytes announced, {os.path.getsize(self.path)} there")
        return found

    def _read(self, storage: _Storage) -> np.ndarray:
        dtype = np.dtype(self._order + storage.dtype)
        size = storage.size * dtype.itemsize
        if self._old_start:
            with open(self.path, "rb") as file:
                file.seek(self._old_start[storage.key])
                return np.frombuffer(file.read(size), dtype)
        with zipfile.ZipFile(self.path) as archive:
            data = _stored(archive, f"{self._folder}data/{storage.key}", size)
        if len(data) < size:
            raise ValueError(f"{size} bytes announced in storage {storage.key}, {len(data)} there")
        return np.frombuffer(data, dtype)

    def _checked(self, key: Any, tensor: Any) -> _Tensor:
        """A tensor that lies within its storage, and its storage within the file."""
        if not isinstance(key, str) or not isinstance(tensor, _Tensor):
            kind = "a dictionary" if isinstance(tensor, dict) else "no tensor"
            raise InputError(f"{self.path}: {str(key)[:80]!r} is {kind}; save the model, {_SAVE}")
        storage, offset, shape, strides = tensor
        end = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) + 1
        end = end if all(shape) else 0
        numbers = (offset, storage.size, *shape, *strides)
        if min(numbers) < 0 or max(math.prod(shape), end) > storage.size:
            raise ValueError(f"{key}: {list(shape)} exceeds its storage of {storage.size}")
        if storage.size > os.path.getsize(self.path):
            raise ValueError(f"{key}: its storage exceeds the file")
        return tensor

    def _damaged(self, error: BaseException) -> InputError:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        return InputError(
            f"{self.path}: truncated or damaged, or no state dict of PyTorch ({reason}); copy it "
            f"again, or save it again, {_SAVE}"
        )


_SAVE = "torch.save(G.state_dict(), 'G.pt')"


def is_state_dict(path: str) -> bool:
    """Tells by its first bytes whether a file was written by ``torch.save``."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_OLD)).startswith((_ZIP, _OLD))
    except OSError:
        return False


def write_state_dict(path: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes float32 and int64 arrays by key as ``torch.save`` writes a state dict."""
    folder = os.path.splitext(os.path.basename(path))[0]
    ordered = _global("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    parts = [pickle.PROTO + b"\x02", ordered, pickle.MARK]
    with zipfile.ZipFile(path, "w") as archive:
        for number, (key, array) in enumerate(tensors.items()):
            array = array.astype(array.dtype.newbyteorder("<"), "C")
            kind = {"float32": "FloatStorage", "int64": "LongStorage"}[array.dtype.name]
            strides = tuple(stride // array.itemsize for stride in array.strides)
            storage = _body("storage") + _global("torch", kind) + _body(str(number)) + _body("cpu")
            parts += [_body(key), _global("torch._utils", "_rebuild_tensor_v2"), pickle.MARK]
            parts += [pickle.MARK, storage, _body(array.size), pickle.TUPLE, pickle.BINPERSID]
            parts += [_body(0), _body(array.shape), _body(strides), pickle.NEWFALSE, ordered]
            parts += [pickle.TUPLE, pickle.REDUCE]
            archive.writestr(zipfile.ZipInfo(f"{folder}/data/{number}"), array.tobytes())
        parts += [pickle.SETITEMS, pickle.STOP]
        for name, content in (("data.pkl", b"".join(parts)), ("byteorder", b"little")):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)
        archive.writestr(zipfile.ZipInfo(f"{folder}/version"), b"3\n")


def _body(value: Any) -> bytes:
    """The opcodes that make a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _plain(key: Any) -> Any:
    """The key of a tensor without what DataParallel puts before it."""
    return key.removeprefix("module.") if isinstance(key, str) else key


def _stored(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of an archive, which must be stored as it is, as torch does: nothing can swell."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name[-40:]} is compressed")
    if info.file_size > max(most, _LONGEST_PICKLE):
        raise ValueError(f"{name[-40:]} has {info.file_size} bytes")
    return archive.read(info)


def _unpickle(file: io.BytesIO, storages: dict[str, _Storage] | None = None) -> Any:
    return _Unpickler(file, {} if storages is None else storages).load()


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise TypeError("a tensor without storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Maker:
    """What a pickle may call, without anything that it could change."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable):
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Maker(dict),
    ("torch._utils", "_rebuild_tensor"): _Maker(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Maker(lambda *x: _rebuild_tensor(*x[:4])),
    ("torch._utils", "_rebuild_parameter"): _Maker(lambda data, *_: data),
    **{("torch", name): dtype for name, dtype in _STORAGES.items()},
}


class _Unpickler(pickle._Unpickler):
    """Python's own unpickler: its memo grows with the file, that of the C one as the file says."""

    stack: list[Any]
    dispatch = {key: x for key, x in pickle._Unpickler.dispatch.items() if key not in _FORBIDDEN}

    def __init__(self, file: io.BytesIO, storages: dict[str, _Storage]):
        super().__init__(file, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            if any(f"{m}.{n}".startswith(f"{module}.{name}".rstrip(".")) for m, n in _KNOWN):
                raise EOFError("it ends within a name")
            asked = ascii(f"{module}.{name}")[1:-1][:80]
            raise _ForbiddenError(
                f"asks for {asked}, which a state dict does not need; refused, and nothing of it "
                f"was run; save the model's tensors alone, {_SAVE}"
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage" or dtype not in _STORAGES.values() or pid[5:] not in ((), (None,)):
            raise ValueError("an unknown kind of storage")
        storage = _Storage(str(key), dtype, int(count))
        return self._storages.setdefault(storage.key, storage)

    def _load_build(self) -> None:
        self.stack.pop()  # the attributes of a dictionary: versions of its modules

    dispatch[pickle.BUILD[0]] = cast(Any, _load_build)
