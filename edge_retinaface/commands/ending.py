"""How the process begins and ends: the exit codes of the user guide, and one line for a user's mistake."""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from edge_retinaface.errors import INTERRUPTED, UNREADABLE, EdgeRetinaFaceError, UnavailableError


@contextmanager
def exit_codes(program: str = "edge-retinaface") -> Iterator[None]:
    """End the process as the guide says when what is inside fails; `program` begins the line that says why."""
    _open_closed_streams()
    try:
        yield
    except EdgeRetinaFaceError as error:
        sys.stderr.write(f"{program}: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has left; nothing more to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder that is a file, a place where we may not write
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{program}: {place}{error.strerror or error}\n")
        sys.exit(UNREADABLE)
    except Exception:  # noqa: BLE001 - a mistake of ours: all that helps to find it, and the exit code that says so
        traceback.print_exc()
        sys.exit(EdgeRetinaFaceError.exit_code)


@contextmanager
def loading(extra: str = "") -> Iterator[None]:
    """While modules load: Ctrl-C ends the process at once, as native modules lose its exception or make it another.

    `extra` names what has to be installed for them.
    """
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # it may be ignored, as by nohup
    if is_ours:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    except ModuleNotFoundError as error:
        if not extra:
            raise
        wanted = f"wanted the extra {extra}, found no module {error.name}"
        raise UnavailableError(f"{wanted}: pip install 'edge-retinaface[{extra}]'") from error
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _open_closed_streams() -> None:
    """Else the next file that is opened takes a closed one's number, and gets what libraries write to it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in the order of their numbers
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for all of the process
