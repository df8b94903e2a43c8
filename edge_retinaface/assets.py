"""Files that ship with the package, found from a wheel and from a checkout alike, and the default model."""

import os
from pathlib import Path

from edge_retinaface.errors import UNREADABLE, ModelError

PACKAGED = Path(__file__).parent / "_assets"  # a wheel puts systemd/, deploy/ and default.tflite there
CHECKOUT = Path(__file__).parent.parent
DEFAULT_MODEL = "default.tflite"


def asset(folder: str, name: str) -> Path:
    """The file `name` of the top-level folder `folder` ("systemd" or "deploy"); else FileNotFoundError."""
    for root in (PACKAGED, CHECKOUT):
        path = root / folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}/{name}: not part of this installation")


def cached_model() -> Path:
    """Where `edge-retinaface convert default` puts the default model: the user's cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "edge-retinaface" / DEFAULT_MODEL


def default_model() -> Path:
    """The model that came inside the package, else the one built into the cache; ModelError says how to get one."""
    for path in (PACKAGED / DEFAULT_MODEL, cached_model()):
        if path.is_file():
            return path
    raise ModelError(
        f"wanted a default model, found none in the package or at {cached_model()}: name one with --model, "
        "or build it once with: pip install 'edge-retinaface[convert]' && edge-retinaface convert default",
        exit_code=UNREADABLE,
    )
