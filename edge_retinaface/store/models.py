"""The store: every model a file named by its sha256, one link to the current one, one to the one before."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from edge_retinaface.assets import default_model
from edge_retinaface.digest import sha256_hex
from edge_retinaface.errors import CHECK_FAILED, TRY_AGAIN, UNREADABLE, ModelError
from edge_retinaface.model_file import parse_model, read_model
from edge_retinaface.store.disk import ASIDE, Step, no_step, point, remove, sync_folder, write_whole

STORE = Path("/var/lib/edge-retinaface/models")
STORE_LINK = STORE / "current.tflite"
KEPT = 5  # models that are neither current nor previous; the oldest beyond go


class Stored(NamedTuple):
    """One model of the store."""

    digest: str  # sha256 of the whole file
    path: Path
    is_current: bool
    is_previous: bool


class Store:
    """The models below `folder`. None for a digest means the model that came with the package.

    Changes are whole and lasting when a method returns. `step` is told of every operation on the disk.
    """

    def __init__(self, folder: Path = STORE, step: Step = no_step) -> None:
        self.folder = folder
        self.link = folder / STORE_LINK.name
        self._previous = folder / "previous.tflite"
        self._objects = folder / "objects"
        self._step = step

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for changes; leftovers of an interrupted one go. ModelError if another holds it."""
        try:
            self._objects.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self._objects):
                folder.chmod(0o755)  # the service reads them, whatever root's umask
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _refused(self.folder, error) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ModelError(f"{self.folder}: another command changes it just now", exit_code=TRY_AGAIN) from error
            sync_folder(self.folder, self._step)
            for folder in (self.folder, self._objects):
                for leftover in folder.glob(f"{ASIDE}*"):
                    remove(leftover, self._step)
            yield
        except OSError as error:
            raise _refused(self.folder, error) from error
        finally:
            os.close(handle)

    def add(self, path: Path, content: bytes) -> str:
        """Keep the model file `content` and return its digest; nothing uses it yet. ModelError names `path`."""
        parse_model(path, content)
        digest = sha256_hex(content)
        target = self.path(digest)
        if not target.exists() or target.read_bytes() != content:
            write_whole(target, content, self._step)
        return digest

    def path(self, digest: str) -> Path:
        """Where the model with this digest is or would be."""
        return self._objects / f"{digest}.tflite"

    @property
    def current(self) -> str | None:
        """Digest of the model in use."""
        return _digest(self.link)

    @property
    def previous(self) -> str | None:
        """Digest of the model in use before."""
        return _digest(self._previous)

    def switch(self, digest: str | None) -> None:
        """Make `digest` the current model and the one in use so far the previous one."""
        if digest is not None:
            read_model(self.path(digest))
        before = self.current
        if digest == before:
            return
        # previous first: between the two steps both say the old model, and that one is whole
        self._set(self._previous, before)
        self._set(self.link, digest)

    def rollback(self) -> str | None:
        """Go back to the previous model and return its digest; once more goes forward again. ModelError if none."""
        target = self.previous
        if target == self.current:
            raise ModelError(f"{self.folder}: wanted a model to go back to, found none", exit_code=CHECK_FAILED)
        if target is not None:
            read_model(self.path(target))
        before = self.current
        # current first: a power cut between the steps must not lose where to go back to
        self._set(self.link, target)
        self._set(self._previous, before)
        return target

    def models(self) -> list[Stored]:
        """Every model, newest first."""
        found = [path for path in self._objects.glob("*.tflite") if not path.name.startswith(ASIDE)]
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
        return [Stored(path.stem, path, path.stem == self.current, path.stem == self.previous) for path in found]

    def prune(self, keep: str | None = None) -> list[str]:
        """Remove the oldest models that nothing names, but not `keep`; their digests."""
        loose = [one for one in self.models() if not (one.is_current or one.is_previous or one.digest == keep)]
        for one in loose[KEPT:]:
            remove(one.path, self._step)
        return [one.digest for one in loose[KEPT:]]

    def whole(self) -> Iterator[Path]:
        """Models to start with, best first: the current, the previous, the package's; only those that are whole."""
        for digest in (self.current, self.previous):
            if digest is not None:
                with suppress(ModelError):
                    yield read_model(self.path(digest)).path
        yield self.packaged()

    @staticmethod
    def packaged() -> Path:
        """The model that came with the package; ModelError if there is none."""
        return default_model()

    def _set(self, link: Path, digest: str | None) -> None:
        if digest is None:
            remove(link, self._step)
        else:
            point(link, self.path(digest), self._step)


def _digest(link: Path) -> str | None:
    return link.readlink().stem if link.is_symlink() else None


def _refused(folder: Path, error: OSError) -> ModelError:
    hint = ": run it as root" if isinstance(error, PermissionError) else ""
    return ModelError(f"{error.filename or folder}: {error.strerror}{hint}", exit_code=UNREADABLE)
