"""How the process ends: the exit codes of the user guide, and one line for a user's mistake."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from edge_retinaface.errors import UNREADABLE, EdgeRetinaFaceError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@contextmanager
def exit_codes(program: str = "edge-retinaface") -> Iterator[None]:
    """End the process as the guide says when what is inside fails; `program` begins the line that says why."""
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
