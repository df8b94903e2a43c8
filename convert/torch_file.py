"""PyTorch checkpoints without PyTorch, and without running anything that is in them.

A checkpoint is a pickle, and a pickle is a program. The reader here gives that program nothing to call but dictionaries
and the two or three functions that describe a tensor; anything else in it is refused by name.
"""

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from convert.archive import unzip
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError

LEGACY_MAGIC = bytes.fromhex("8002 8a 0a 6cfc9c46f9206aa85019 2e")  # the first pickle of a file before PyTorch 1.6
ZIP_MAGIC = b"PK\x03\x04"
DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
COUNT_BYTES = 8  # a legacy storage begins with its number of values


@dataclass(eq=False)
class _Storage:
    """A run of values that tensors look into."""

    kind: str
    key: str
    count: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def read(self) -> NDArray[Any]:
        """The values, as an array of the tensor's shape."""
        values = self.storage.values
        reach = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True)) + 1
        # a stride of zero would make a terabyte out of one value
        if (
            values is None
            or self.offset < 0
            or math.prod(self.size) > len(values)
            or reach > len(values)
            or min(0, *self.stride, 0) < 0
        ):
            raise ModelError("a tensor that looks outside its storage")
        steps = tuple(step * values.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.size, steps)
        if self.storage.kind == "BFloat16Storage":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return np.array(view)


def read_checkpoint(content: bytes, what: str) -> dict[str, F32]:
    """Every tensor of a state dict by its name, in the file's order; ModelError for anything else."""
    try:
        loaded = _read_zip(content, what) if content.startswith(ZIP_MAGIC) else _read_legacy(io.BytesIO(content))
        tensors = {name: tensor.read() for name, tensor in _state_dict(loaded).items()}
    except ModelError as error:
        raise ModelError(f"{what}: wanted a PyTorch state dict, found {error}") from error
    # what a broken or hostile pickle can make the unpickler raise has no common ancestor
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, IndexError,
            AttributeError, OverflowError, UnicodeDecodeError, MemoryError, RecursionError) as error:  # fmt: skip
        raise ModelError(f"{what}: wanted a PyTorch state dict, found a damaged one: {error}") from error
    return {name: values.astype(np.float32) for name, values in tensors.items()}


def _state_dict(loaded: object) -> dict[str, _Tensor]:
    """The dictionary with most tensors: checkpoints keep it under state_dict, model or net, beside an optimizer's."""
    best = max(_dictionaries(loaded), key=len, default={})
    if not best:
        raise ModelError(f"a {type(loaded).__name__} without tensors")
    return best


def _dictionaries(loaded: object) -> Iterator[dict[str, _Tensor]]:
    if isinstance(loaded, Mapping):
        yield {str(name): value for name, value in loaded.items() if isinstance(value, _Tensor)}
        for value in loaded.values():
            yield from _dictionaries(value)


def _read_zip(content: bytes, what: str) -> object:
    members = unzip(content, what)
    names = [name for name in members if name.endswith("/data.pkl")]
    if not names:
        raise ModelError("a zip archive without data.pkl")
    root = names[0].removesuffix("data.pkl")
    if members.get(f"{root}byteorder", b"little").strip() != b"little":
        raise ModelError("big-endian values")
    reader = _Unpickler(io.BytesIO(members[names[0]]))
    loaded = reader.load()
    for storage in reader.storages.values():
        storage.values = np.frombuffer(members[f"{root}data/{storage.key}"], DTYPES[storage.kind])
    return loaded


def _read_legacy(stream: io.BytesIO) -> object:
    for _ in ("magic number", "protocol", "machine"):
        _Unpickler(stream).load()
    reader = _Unpickler(stream)
    loaded = reader.load()
    for key in cast("list[str]", _Unpickler(stream).load()):
        storage = reader.storages[key]
        count = int.from_bytes(stream.read(COUNT_BYTES), "little")
        itemsize = np.dtype(DTYPES[storage.kind]).itemsize
        storage.values = np.frombuffer(stream.read(count * itemsize), DTYPES[storage.kind], count)
    return loaded


class _Unpickler(pickle.Unpickler):
    """An unpickler that can build dictionaries and descriptions of tensors, and nothing else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 # what pickle declares
        """One of the few harmless things a state dict names; ModelError for all others."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("torch", "torch.storage") and name in DTYPES:
            return name
        builders: dict[str, Callable[..., object]] = {
            "_rebuild_tensor": lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride),
            "_rebuild_tensor_v2": lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride),
            "_rebuild_parameter": lambda tensor, *_: tensor,
        }
        if module == "torch._utils" and name in builders:
            return builders[name]
        raise ModelError(f"a pickled {module}.{name}, which is not loaded (save model.state_dict() instead)")

    def persistent_load(self, pid: tuple[Any, ...]) -> _Storage:
        """The storage that a tensor refers to: ('storage', kind, key, device, count, …)."""
        tag, kind, key, _, count, *_ = pid
        if tag != "storage" or kind not in DTYPES:
            raise ModelError(f"a reference to {tag!r}")
        return self.storages.setdefault(key, _Storage(kind, key, count))
