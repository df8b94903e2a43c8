"""What a client of the Unix socket may ask, and the answers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from edge_retinaface.message import Reply, Request
from edge_retinaface.publishers.protocol import OFF, ON, Command, OnCommand, ReadStats

_SWITCHES = {"pause": OFF, "resume": ON}
_NUMBERS = {"set_threshold": "threshold", "set_max_fps": "max_fps"}
METHODS = ("stats", "state", *_SWITCHES, *_NUMBERS)

States = Mapping[str, Mapping[str, str]]  # camera → option → value
_DECODER = msgspec.json.Decoder(Request)


def answer(line: bytes, on_command: OnCommand, stats: ReadStats, states: States) -> Reply:
    """The answer to one request line, whatever it holds."""
    try:
        request = _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return refusal(f"wanted a request like {{'id': 1, 'method': 'stats'}}, found: {error}", _id_of(line))
    if request.method == "stats":
        return Reply(id=request.id, success=True, stats=msgspec.Raw(stats()))
    if request.method == "state":
        return Reply(id=request.id, success=True, state={camera: dict(options) for camera, options in states.items()})
    if request.method in _SWITCHES:
        command = Command(request.camera, "enabled", _SWITCHES[request.method])
    elif request.method not in _NUMBERS:
        return refusal(f"wanted one of the methods {', '.join(METHODS)}, found {request.method[:40]!r}", request.id)
    elif request.value is None:
        return refusal(f"{request.method}: wanted a number as value, found none", request.id)
    else:
        command = Command(request.camera, _NUMBERS[request.method], str(request.value))
    wrong = on_command(command)
    return Reply(id=request.id, success=True) if wrong is None else refusal(wrong, request.id)


def refusal(error: str, request_id: int | str | None = None) -> Reply:
    """The answer to a request that was not done."""
    return Reply(id=request_id, success=False, error=error)


def _id_of(line: bytes) -> int | str | None:
    """The id of a request that is otherwise wrong, None if it has none."""
    try:
        found: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    request_id = found.get("id") if isinstance(found, dict) else None
    return request_id if isinstance(request_id, int | str) else None
