"""What one check found."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A thing that works, or one that does not and what to do about it."""

    name: str  # config, service, model, camera door, broker
    ok: bool
    found: str
    advice: str = ""  # only where it is not ok


def failed(name: str, error: object, advice: str) -> Finding:
    """The finding of an error."""
    return Finding(name, ok=False, found=str(error), advice=advice)
