"""What training needs to go on after an interruption, in one file, written aside and renamed."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.archive import BROKEN
from convert.evaluation.files import write_whole

Arrays = dict[str, NDArray[Any]]


def save(path: Path, identity: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a training's arrays; `identity` says which training's."""
    buffer = io.BytesIO()
    np.savez(buffer, identity=np.array(identity), **arrays)  # type: ignore[arg-type] # no array is called allow_pickle
    write_whole(path, buffer.getvalue())


def load(path: Path, identity: str) -> Arrays | None:
    """The arrays, or None where there is no file, a damaged one, or another training's: then it begins anew."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = dict(file.items())
    except (*BROKEN, KeyError):
        return None
    return arrays if str(arrays.pop("identity", "")) == identity else None
