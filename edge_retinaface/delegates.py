"""Libraries that run a network in the interpreter's place: where they are, what they are told, whether they fit."""

import ctypes
import re
from pathlib import PurePath
from typing import NamedTuple

from edge_retinaface.errors import DelegateError

EDGETPU = "edgetpu"
EDGETPU_LIBRARY = "libedgetpu.so.1"
EDGETPU_OPERATOR = b"edgetpu-custom-op"  # what edgetpu_compiler puts in the place of what it compiled
OLDEST_RUNTIME = 14  # older ones do not know models of edgetpu_compiler 16, the last there is


class Delegate(NamedTuple):
    """A library to load."""

    library: str  # a name or a path
    options: dict[str, str]


def parse_delegate(text: str) -> Delegate:
    """Of "edgetpu", "edgetpu:usb", "edgetpu:pci:0", "edgetpu::1" (the second, whatever it is) or a library's path."""
    name, _, device = text.partition(":")
    if name != EDGETPU:
        return Delegate(text, {})
    return Delegate(EDGETPU_LIBRARY, {"device": device} if device else {})


def load_library(delegate: Delegate) -> None:
    """See that the library is there and new enough. DelegateError.

    The version is asked before a model is given to it: what does not fit crashes there.
    """
    try:
        library = ctypes.CDLL(delegate.library)
    except OSError as error:
        found = str(error).strip().split("\n")[0].removeprefix(f"{delegate.library}: ")
        raise DelegateError(f"{delegate.library}: wanted a delegate library, found: {found}") from error
    version = edgetpu_runtime(library)
    if version is not None and version < OLDEST_RUNTIME:
        raise DelegateError(f"{delegate.library}: wanted Edge TPU runtime {OLDEST_RUNTIME} or newer, found {version}")


def edgetpu_runtime(library: ctypes.CDLL) -> int | None:
    """The version that libedgetpu says it has; None for any other library."""
    try:
        ask = library.edgetpu_version
    except AttributeError:
        return None
    ask.restype = ctypes.c_char_p
    said = re.search(rb"RuntimeVersion\((\d+)\)", ask() or b"")
    return int(said[1]) if said else None


def names_edgetpu(text: str) -> bool:
    """Whether the delegate that `text` names is Coral's, by its own name or as a path."""
    return PurePath(parse_delegate(text).library).name.startswith(EDGETPU_LIBRARY.partition(".")[0])


def is_for_edgetpu(flatbuffer: bytes) -> bool:
    """Whether the model was compiled for the Edge TPU: it then runs there or not at all, every other one never."""
    return EDGETPU_OPERATOR in flatbuffer
