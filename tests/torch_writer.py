"""PyTorch checkpoints written without PyTorch: the two containers, byte for byte as torch.save lays them out."""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convert.layout import Conv
from convert.names import Naming

KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage"}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Tensor:
    """Pickled as torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)."""

    def __init__(self, values: ArrayLike) -> None:
        self.values = np.ascontiguousarray(values)
        self.key = str(94_000_000_000_000 + id(self))

    def __reduce__(self) -> tuple[object, ...]:
        strides = tuple(step // self.values.itemsize for step in self.values.strides)
        rebuild = getattr(sys.modules["torch._utils"], "_rebuild_tensor_v2")  # noqa: B009 # a stand-in, see _modules
        return rebuild, (Storage(self), 0, self.values.shape, strides, False, OrderedDict())


class Storage:
    def __init__(self, tensor: "Tensor") -> None:
        self.tensor = tensor


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> tuple[object, ...] | None:
        if not isinstance(obj, Storage):
            return None
        values = obj.tensor.values
        kind = getattr(sys.modules["torch"], KINDS[values.dtype.str[1:]])
        common = ("storage", kind, obj.tensor.key, "cuda:0", values.size)
        return (*common, None) if self.legacy else common


def _modules() -> dict[str, types.ModuleType]:
    """Stand-ins for the modules whose names end up in the pickle."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_: object) -> None:
        raise AssertionError

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    setattr(utils, _rebuild_tensor_v2.__name__, _rebuild_tensor_v2)
    for kind in KINDS.values():
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    return {"torch": torch, "torch._utils": utils}


def _pickled(value: object, *, legacy: bool) -> bytes:
    stream = io.BytesIO()
    pickler = Pickler(stream, protocol=2)
    pickler.legacy = legacy
    sys.modules.update(_modules())
    try:
        pickler.dump(value)
    finally:
        del sys.modules["torch"], sys.modules["torch._utils"]
    return stream.getvalue()


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _tensors(inner)


def save(value: object, *, legacy: bool = False) -> bytes:
    """The bytes of torch.save(value): `value` is dictionaries of Tensor and plain numbers."""
    tensors = list(_tensors(value))
    if legacy:
        keys = sorted(tensor.key for tensor in tensors)
        by_key = {tensor.key: tensor.values for tensor in tensors}
        machine = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        head = b"".join(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, machine))
        data = b"".join(by_key[key].size.to_bytes(8, "little") + by_key[key].tobytes() for key in keys)
        return head + _pickled(value, legacy=True) + pickle.dumps(keys, 2) + data
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled(value, legacy=False))
        archive.writestr("archive/byteorder", "little")
        for tensor in tensors:
            archive.writestr(f"archive/data/{tensor.key}", tensor.values.tobytes())
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()


def state_dict(naming: Naming, convs: Mapping[str, Conv], seed: int = 0) -> OrderedDict[str, NDArray[np.generic]]:
    """Random weights of the whole network under a naming, arrays as PyTorch shapes them."""
    random = np.random.default_rng(seed)
    arrays = OrderedDict()
    for name, place in naming.items():
        conv = convs[name]
        outputs = 2 * conv.outputs if name.startswith("scores") else conv.outputs
        shape = (outputs, 1 if conv.depthwise else conv.inputs, conv.side, conv.side)
        arrays[f"{place.conv}.weight"] = random.normal(0, 0.2, shape).astype(np.float32)
        if place.norm is None:
            arrays[f"{place.conv}.bias"] = random.normal(0, 0.2, outputs).astype(np.float32)
            continue
        for role in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{place.norm}.{role}"] = random.uniform(0.5, 1.5, outputs).astype(np.float32)
        arrays[f"{place.norm}.num_batches_tracked"] = np.array(1000)
    return arrays
