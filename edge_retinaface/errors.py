"""The error tree: each error names the thing, what was wanted, what was found, and its exit code."""

CHECK_FAILED = 1
UNREADABLE = 74  # for files that are missing or may not be read, whatever they should have held
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class EdgeRetinaFaceError(Exception):
    """Anything this package raises for a reason its user can act on. `exit_code` follows sysexits.h."""

    exit_code = 70

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(EdgeRetinaFaceError):
    """An argument that cannot be meant."""

    exit_code = 2


class UnavailableError(EdgeRetinaFaceError):
    """A part of the installation that is not there."""

    exit_code = 69


class ImageError(EdgeRetinaFaceError):
    """A picture or video file that cannot be read, or an array that is not a picture."""

    exit_code = 65


class ModelError(EdgeRetinaFaceError):
    """A model file that is missing, damaged, without a card, or for another network."""

    exit_code = 65


class OutputError(EdgeRetinaFaceError):
    """A file that cannot be written."""

    exit_code = UNREADABLE


class ConfigError(EdgeRetinaFaceError):
    """A setting that is unknown, of the wrong type, or impossible."""

    exit_code = 78


class CameraError(EdgeRetinaFaceError):
    """A camera that is not there, went away, or delivers something else than pictures."""

    exit_code = 69


class PublishError(EdgeRetinaFaceError):
    """A broker, socket or stream that does not take the message."""

    exit_code = 74


class DelegateError(EdgeRetinaFaceError):
    """A delegate library or accelerator that is missing or refuses to work."""

    exit_code = 69


class InstallError(EdgeRetinaFaceError):
    """A file of the service that cannot be written, or a program of systemd that refuses."""

    exit_code = 74
