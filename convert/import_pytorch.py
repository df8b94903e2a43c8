"""PyTorch state dicts of the network, by the names that its two well-known implementations use."""

import numpy as np

from convert.by_name import Key, Role, Stored, layers_by_name, pick_naming
from convert.families import PYTORCH, PYTORCH_1MB, PYTORCH_RGB, Family
from convert.names import PYTORCH_NAMINGS
from convert.torch_file import read_checkpoint
from convert.weights import Layer
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError

COUNTER = "num_batches_tracked"  # of batch normalization in training: no weight
ROLES: dict[str, Role] = {"bias": "bias", "running_mean": "mean", "running_var": "variance"}
KERNEL_DIMENSIONS = 4


def import_pytorch(content: bytes, what: str) -> tuple[dict[str, Layer], tuple[Family, ...]]:
    """Folded layers by the layout's names, and the families they may be of; ModelError says what does not fit."""
    tensors = read_checkpoint(content, what)
    names = _without_wrapper([name for name in tensors if not name.endswith(COUNTER)])
    arrays: dict[Key, Stored] = {}
    for name, original in names.items():
        key = _key(name, names)
        values = tensors[original]
        if key.role == "kernel":
            values = _keras_layout(values)
        arrays[key] = Stored(original, values)
    naming = pick_naming(PYTORCH_NAMINGS, [key.prefix for key in arrays])
    layers = layers_by_name(arrays, naming, PYTORCH.epsilon, what)
    return layers, (PYTORCH, PYTORCH_RGB, PYTORCH_1MB)


def _without_wrapper(names: list[str]) -> dict[str, str]:
    """Short name to name: what all names begin with (module., model. …) belongs to a wrapper."""
    short = {name: name for name in names}
    while names and len({name.partition(".")[0] for name in short}) == 1 and all("." in name for name in short):
        short = {name.partition(".")[2]: original for name, original in short.items()}
    return short


def _key(name: str, names: dict[str, str]) -> Key:
    prefix, _, last = name.rpartition(".")
    if last == "weight":
        return Key(prefix, "gamma" if f"{prefix}.running_mean" in names else "kernel")
    if last == "bias" and f"{prefix}.running_mean" in names:
        return Key(prefix, "beta")
    if last not in ROLES:
        raise ModelError(f"{names[name]}: wanted a weight, bias or running statistic, found another kind of tensor")
    return Key(prefix, ROLES[last])


def _keras_layout(values: F32) -> F32:
    """Outputs, inputs, rows, columns to rows, columns, inputs, outputs; depthwise: rows, columns, channels, 1."""
    if values.ndim != KERNEL_DIMENSIONS:
        return values
    outputs, inputs = values.shape[:2]
    axes = (2, 3, 0, 1) if inputs == 1 and outputs > 1 else (2, 3, 1, 0)
    return np.ascontiguousarray(values.transpose(axes))
