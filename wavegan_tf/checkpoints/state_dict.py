"""State dicts of PyTorch, read and written without torch.

A state dict is an ordered dictionary of tensors that ``torch.save`` pickled: in a zip archive of
``data.pkl`` and one file per storage, or, before PyTorch 1.6, as pickles with the storages behind
them. A pickle can call anything. So its opcodes are not run by Python's unpickler but read here, as
far as a state dict needs them: dictionaries, tuples, texts, numbers, and tensors, whose places are
held against the bytes that are there.
"""

import io
import math
import os
import pickle
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from wavegan_tf.errors import InputError

SUFFIXES = (".pt", ".pth", ".pkl", ".bin", ".tar", ".ckpt")

_ZIP = b"PK\x03\x04"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the older format
_OLD = pickle.dumps(_MAGIC, 2)[2:-1]  # after the number of pickle's protocol
_LONGEST_PICKLE = 1 << 16  # bytes; a state dict of the port takes 6,000
_MOST_DIMS, _TOO_LARGE = 8, 1 << 63
_SAVE = "torch.save(G.state_dict(), 'G.pt')"
_NOT_RUN = f"refused, and nothing of it was run; save the tensors alone, {_SAVE}"

_STORAGES = {
    "HalfStorage": "f2", "BFloat16Storage": "u2", "FloatStorage": "f4", "DoubleStorage": "f8",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
_DAMAGED = (
    zipfile.BadZipFile, struct.error, zlib.error, ArithmeticError, EOFError, LookupError,
    NotImplementedError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a truncated, damaged or hostile file makes of the reader."""


class _Global(NamedTuple):
    """A class or function by its name, of the few that a state dict needs."""

    module: str
    name: str


_ORDERED_DICT = _Global("collections", "OrderedDict")
_REBUILD = tuple(_Global("torch._utils", f"_rebuild_tensor{x}") for x in ("", "_v2"))
_PARAMETER = tuple(_Global("torch._utils", f"_rebuild_parameter{x}") for x in ("", "_with_state"))
_KNOWN = {_ORDERED_DICT, *_REBUILD, *_PARAMETER, *(_Global("torch", x) for x in _STORAGES)}


class _Storage(NamedTuple):
    key: str
    kind: str  # one of _STORAGES
    size: int  # in elements


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int  # in elements, as the strides
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Place(NamedTuple):
    """Where the bytes of a storage are in the file."""

    start: int
    size: int
    crc: int | None


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
            if not os.path.isfile(path):
                raise OSError("no such file")
            with open(path, "rb") as file:
                is_zip = file.read(len(_ZIP)) == _ZIP
            self._order, self._places, found = self._open_zip() if is_zip else self._open_old()
            if not isinstance(found, dict) or not found:
                raise _Refused(f"holds no state dict; save the model again, {_SAVE}")
            self._tensors = dict[str, _Tensor]()
            for given, tensor in found.items():
                key = re.sub(r"^((module|_orig_mod)\.)+", "", given)  # DataParallel, torch.compile
                if not isinstance(tensor, _Tensor) or key in self._tensors:
                    what = "no tensor" if key not in self._tensors else "there twice"
                    raise _Refused(f"{given[:80]!a} is {what}; save the model again, {_SAVE}")
                self._tensors[key] = self._checked(key, tensor)
        except _Refused as error:
            raise InputError(f"{path}: {error}") from None
        except _DAMAGED as error:
            raise self._damaged(error) from None
        self.shapes = {key: tensor.shape for key, tensor in self._tensors.items()}

    def read(self, key: str) -> np.ndarray:
        """Reads a tensor in the type that it was saved in, bfloat16 as float32.

        Raises:
            InputError: There is none of that key, or the file is damaged.
        """
        if key not in self._tensors:
            raise InputError(f"{self.path}: {key} is missing; is it a file of the PyTorch port?")
        storage, offset, shape, strides = self._tensors[key]
        place = self._places[storage.key]
        try:
            with open(self.path, "rb") as file:
                file.seek(place.start)
                data = file.read(place.size)
            if len(data) < place.size:
                raise ValueError(f"{place.size} bytes announced, {len(data)} there")
            if place.crc is not None and zlib.crc32(data) != place.crc:
                raise ValueError("a wrong checksum, or saved without checksums")
            dtype = np.dtype(self._order + _STORAGES[storage.kind])
            flat = np.frombuffer(data, dtype, storage.size)
            if storage.kind == "BFloat16Storage":
                flat = (flat.astype(np.uint32) << 16).view(np.float32)
            steps = [flat.itemsize * stride for stride in strides]
            return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps, writeable=False)
        except _DAMAGED as error:
            raise self._damaged(error) from None

    def _open_zip(self) -> tuple[str, dict[str, _Place], Any]:
        places = dict[str, _Place]()
        with zipfile.ZipFile(self.path) as archive, open(self.path, "rb") as file:
            entries = {info.filename: info for info in archive.infolist()}
            names = [name for name in entries if re.fullmatch("[^/]+/data.pkl", name)]
            if len(names) != 1:
                raise ValueError("a zip archive without one data.pkl")
            folder = names[0].removesuffix("data.pkl")

            def place_of(name: str) -> _Place:
                info = entries[name]
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    raise ValueError(f"{name[-40:]!a} is compressed, as torch never does")
                file.seek(info.header_offset)
                head = struct.unpack("<4s22xHH", file.read(30))
                if head[0] != _ZIP:
                    raise ValueError(f"{name[-40:]!a} is not where it ought to be")
                start = info.header_offset + 30 + head[1] + head[2]
                return _Place(start, info.file_size, info.CRC)

            def content(name: str) -> bytes:
                place = place_of(name)
                if place.size > _LONGEST_PICKLE:
                    raise ValueError(f"{name[-40:]!a} has {place.size} bytes")
                file.seek(place.start)
                return file.read(place.size)

            storages = dict[str, _Storage]()
            found = _unpickle(io.BytesIO(content(names[0])), storages)
            for key in storages:
                places[key] = place_of(f"{folder}data/{key}")
            order = f"{folder}byteorder"
            is_big = order in entries and content(order) == b"big"
        return "><"[not is_big], places, found

    def _open_old(self) -> tuple[str, dict[str, _Place], Any]:
        with open(self.path, "rb") as raw:
            file = io.BytesIO(raw.read(_LONGEST_PICKLE))
        if _OLD not in file.getvalue()[:32]:
            raise ValueError("it begins as no file of torch.save does")
        _, protocol, system = (_unpickle(file, {}) for _ in range(3))
        if protocol != _PROTOCOL or not isinstance(system, dict):
            raise ValueError("an unknown version")
        storages, places = dict[str, _Storage](), dict[str, _Place]()
        found, keys = _unpickle(file, storages), _unpickle(file, {})
        start = file.tell()
        for key in keys if isinstance(keys, list) else ():
            if not isinstance(key, str) or key not in storages:
                raise ValueError("a storage that no tensor has")
            size = storages[key].size * np.dtype(_STORAGES[storages[key].kind]).itemsize
            places[key] = _Place(start + 8, size, None)  # after its number of elements
            start += 8 + size
        return "><"[system.get("little_endian", True) is True], places, found

    def _checked(self, key: str, tensor: _Tensor) -> _Tensor:
        """A tensor that lies within its storage, and its storage within the file."""
        (name, kind, size), offset, shape, strides = tensor
        num_bytes = size * np.dtype(_STORAGES[kind]).itemsize
        end = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) + 1
        if all(shape) and max(math.prod(shape), end) > size:
            raise ValueError(f"{key[:80]!a}: {list(shape)} exceeds its storage of {size}")
        place = self._places.get(name, _Place(0, 0, None))
        there = min(place.size, os.path.getsize(self.path) - place.start)
        if num_bytes > there:
            raise ValueError(f"{key[:80]!a}: {num_bytes} bytes announced, {there} there")
        return tensor

    def _damaged(self, error: BaseException) -> InputError:
        reason = ascii(str(error) or type(error).__name__)[1:-1][:160]
        return InputError(
            f"{self.path}: truncated or damaged, or no state dict of PyTorch ({reason}); copy it "
            f"again, or save the model again, {_SAVE}"
        )


class _Refused(Exception):  # noqa: N818
    """A whole file that is no state dict."""


def is_state_dict(path: str) -> bool:
    """Tells whether a file begins as those of ``torch.save`` do, or zip archives."""
    try:
        with open(path, "rb") as file:
            head = file.read(32)
    except OSError:
        return False
    return head.startswith(_ZIP) or _OLD in head


def write_state_dict(path: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes float32 and int64 arrays by key as ``torch.save`` writes a state dict."""
    folder = os.path.splitext(os.path.basename(path))[0]
    ordered = _opcode(_ORDERED_DICT) + pickle.EMPTY_TUPLE + pickle.REDUCE
    parts = [pickle.PROTO + b"\x02", ordered, pickle.MARK]
    with zipfile.ZipFile(path, "w") as archive:
        for number, (key, given) in enumerate(tensors.items()):
            array = given.astype(given.dtype.newbyteorder("<"), "C")
            kind = {"float32": "FloatStorage", "int64": "LongStorage"}[array.dtype.name]
            strides = tuple(stride // array.itemsize for stride in array.strides)
            storage = _body("storage") + _opcode(_Global("torch", kind)) + _body(str(number))
            parts += [_body(key), _opcode(_REBUILD[1]), pickle.MARK, pickle.MARK, storage]
            parts += [_body("cpu"), _body(array.size), pickle.TUPLE, pickle.BINPERSID, _body(0)]
            parts += [_body(array.shape), _body(strides), pickle.NEWFALSE, ordered]
            parts += [pickle.TUPLE, pickle.REDUCE]
            archive.writestr(zipfile.ZipInfo(f"{folder}/data/{number}"), array.tobytes())
        parts += [pickle.SETITEMS, pickle.STOP]
        for name, content in (("data.pkl", b"".join(parts)), ("byteorder", b"little")):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)
        archive.writestr(zipfile.ZipInfo(f"{folder}/version"), b"3\n")


def _body(value: Any) -> bytes:
    """The opcodes that make a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def _opcode(named: _Global) -> bytes:
    return pickle.GLOBAL + f"{named.module}\n{named.name}\n".encode()


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def _unpickle(file: io.BytesIO, storages: dict[str, _Storage]) -> Any:
    """Reads a pickle of dictionaries with texts for keys, lists, tuples, plain values and tensors.

    Puts the storages that it names into ``storages``. Nothing is hashed but texts, and nothing
    copied: what a pickle names a thousand times is there once.
    """
    stack, marks, memo = list[Any](), list[int](), dict[int, Any]()
    value: Any

    def pop(count: int | None = None) -> list[Any]:
        """Takes so many values, or those since the last mark, off the stack."""
        start = marks.pop() if count is None else len(stack) - count
        if start < (marks[-1] if marks else 0):
            raise ValueError("a pickle without what it takes")
        found = stack[start:]
        del stack[start:]
        return found

    for opcode, value, _ in pickletools.genops(file):
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                stack.append(_CONSTANTS[opcode.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(value)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(value)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(pop()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(pop(int(opcode.name[-1]))))
            case "APPEND" | "APPENDS":
                items = pop(1 if opcode.name == "APPEND" else None)
                _typed(stack[-1], list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = pop(2 if opcode.name == "SETITEM" else None)
                for key, item in zip(items[::2], items[1::2], strict=True):
                    _typed(stack[-1], dict)[_typed(key, str)] = item
            case "BINPUT" | "LONG_BINPUT":
                memo[value] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[value])
            case "GLOBAL":
                stack.append(_known(*value.split(" ", 1)))
            case "STACK_GLOBAL":
                stack.append(_known(*pop(2)))
            case "BINPERSID":
                storage = _storage(pop(1)[0])
                if storages.setdefault(storage.key, storage) != storage:
                    raise ValueError("one storage of two sizes")
                stack.append(storage)
            case "REDUCE":
                stack.append(_call(*pop(2)))
            case "BUILD":
                pop(1)  # attributes of a dictionary: versions of its modules
            case "STOP":
                return pop(1)[0]
            case other:
                raise _Refused(f"has the opcode {other}, which no state dict needs; {_NOT_RUN}")
    raise EOFError("it ends early")


def _known(module: Any, name: Any) -> _Global:
    found = _Global(_typed(module, str), _typed(name, str))
    if found not in _KNOWN:
        asked = ascii(f"{module}.{name}")[1:-1][:80]
        raise _Refused(f"asks for {asked}, which no state dict needs; {_NOT_RUN}")
    return found


def _storage(given: Any) -> _Storage:
    kind, storage, key, _, size, *views = _typed(given, tuple)
    if kind != "storage" or not isinstance(storage, _Global) or any(views):
        raise ValueError("an unknown kind of storage")
    return _Storage(_typed(key, str), storage.name, _count(size))


def _call(function: Any, arguments: Any) -> Any:
    """What a state dict calls: an empty dictionary, a tensor, or a parameter, which is a tensor."""
    function, arguments = _typed(function, _Global), _typed(arguments, tuple)
    if function == _ORDERED_DICT and not arguments:
        return {}
    if function in _PARAMETER:
        return _typed(arguments[0], _Tensor)
    if function not in _REBUILD:
        raise ValueError("a call of what is no function")
    storage, offset, shape, strides, *rest = arguments
    if not len(_typed(shape, tuple)) == len(_typed(strides, tuple)) <= _MOST_DIMS:
        raise ValueError("a tensor of too many dimensions")
    if any(rest[2:]):  # conjugated or negated
        raise ValueError("a tensor that is not as its storage says")
    sizes = [tuple(map(_count, x)) for x in (shape, strides)]
    return _Tensor(_typed(storage, _Storage), _count(offset), *sizes)


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _count(value: Any) -> int:
    if not 0 <= _typed(value, int) < _TOO_LARGE:
        raise ValueError("a size below 0 or beyond all files")
    return value
