"""The error tree: each error names the thing, what was wanted, what was found, and its exit code."""

from typing import ClassVar


class EdgeRetinaFaceError(Exception):
    """Anything this package raises for a reason its user can act on. `exit_code` follows sysexits.h."""

    exit_code: ClassVar[int] = 70


class ImageError(EdgeRetinaFaceError):
    """A picture or video file that cannot be read, or an array that is not a picture."""

    exit_code = 65


class ModelError(EdgeRetinaFaceError):
    """A model file that is missing, damaged, without a card, or for another network."""

    exit_code = 65


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
