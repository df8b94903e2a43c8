"""The error tree: each error names the thing, what was wanted, what was found, and its exit code."""

CHECK_FAILED = 1
USAGE = 2
BAD_DATA = 65
UNAVAILABLE = 69
INTERNAL = 70
UNREADABLE = 74  # for files that are missing or may not be read, whatever they should have held
TRY_AGAIN = 75
BAD_CONFIG = 78
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

EXIT_CODES = {
    0: "done",
    CHECK_FAILED: "a check failed, a limit was not kept, a model did not stand its trial, a device is not online",
    USAGE: "an argument that cannot be meant",
    BAD_DATA: "a file that can be read and is not what it should be: damaged, of another kind, for another network",
    UNAVAILABLE: "a camera, accelerator, package or program that is not there",
    INTERNAL: "a mistake of ours; with a traceback",
    UNREADABLE: "a file, folder, socket or broker that is missing, or may or can not be read or written",
    TRY_AGAIN: "another command is just changing the same thing",
    BAD_CONFIG: "a configuration that is missing or wrong; the service is then not started again",
    INTERRUPTED: "stopped by Ctrl-C",
}


class EdgeRetinaFaceError(Exception):
    """Anything this package raises for a reason its user can act on. `exit_code` follows sysexits.h."""

    exit_code = INTERNAL

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(EdgeRetinaFaceError):
    """An argument that cannot be meant."""

    exit_code = USAGE


class UnavailableError(EdgeRetinaFaceError):
    """A part of the installation that is not there."""

    exit_code = UNAVAILABLE


class ImageError(EdgeRetinaFaceError):
    """A picture or video file that cannot be read, or an array that is not a picture."""

    exit_code = BAD_DATA


class DataError(EdgeRetinaFaceError):
    """Measurements or annotations that are missing, damaged, or do not belong together."""

    exit_code = BAD_DATA


class ModelError(EdgeRetinaFaceError):
    """A model file that is missing, damaged, without a card, or for another network."""

    exit_code = BAD_DATA


class OutputError(EdgeRetinaFaceError):
    """A file that cannot be written."""

    exit_code = UNREADABLE


class ConfigError(EdgeRetinaFaceError):
    """A setting that is unknown, of the wrong type, or impossible."""

    exit_code = BAD_CONFIG


class CameraError(EdgeRetinaFaceError):
    """A camera that is not there, went away, or delivers something else than pictures."""

    exit_code = UNAVAILABLE


class PublishError(EdgeRetinaFaceError):
    """A broker, socket or stream that does not take the message."""

    exit_code = UNREADABLE


class DelegateError(EdgeRetinaFaceError):
    """A delegate library or accelerator that is missing or refuses to work."""

    exit_code = UNAVAILABLE


class InstallError(EdgeRetinaFaceError):
    """A file of the service that cannot be written, or a program of systemd that refuses."""

    exit_code = UNREADABLE
