"""The service's files, from the package to where systemd looks: one way for a person, a .deb and Ansible."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from edge_retinaface.assets import asset
from edge_retinaface.errors import InstallError, UsageError

SERVICE, SOCKET = "edge-retinaface.service", "edge-retinaface.socket"
PLACEHOLDER = "@COMMAND@"
CONFIG = PurePosixPath("/etc/edge-retinaface/config.toml")
OWN_BASE, PACKAGED_BASE = PurePosixPath("/etc"), PurePosixPath("/usr/lib")  # an administrator's files, a package's
SYSUSERS, TMPFILES = "sysusers.d/edge-retinaface.conf", "tmpfiles.d/edge-retinaface.conf"
PLACES = {  # below the base
    ("systemd", SERVICE): f"systemd/system/{SERVICE}",
    ("systemd", SOCKET): f"systemd/system/{SOCKET}",
    ("systemd", "sysusers.conf"): SYSUSERS,
    ("systemd", "tmpfiles.conf"): TMPFILES,
    ("deploy", "udev.rules"): "udev/rules.d/70-edge-retinaface.rules",
}
DROP_INS = ("picamera2", "coral")
HIDDEN = ("/home", "/root", "/run/user")  # ProtectHome= hides them from the service
PLAIN = re.compile(r"/[A-Za-z0-9/._+@-]+")  # a path that systemd and a shell take as it stands


class Placed(NamedTuple):
    """One file of the service."""

    path: PurePosixPath  # on the computer where the service will run
    text: str
    kept: bool = False  # what stands there already is the administrator's


def plan(command: str, *, packaged: bool = False, drop_ins: tuple[str, ...] = ()) -> list[Placed]:
    """Every file, as the service that runs `command` needs it. UsageError for a command that cannot be run there."""
    if not PLAIN.fullmatch(command):
        raise UsageError(f"--command: wanted an absolute path of letters, digits and / . _ + @ -, found {command!r}")
    base = PACKAGED_BASE if packaged else OWN_BASE
    files = [
        Placed(base / place, asset(*source).read_text().replace(PLACEHOLDER, command))
        for source, place in PLACES.items()
    ]
    files += plan_drop_ins(base, drop_ins)
    return [*files, Placed(CONFIG, asset("deploy", "config.toml").read_text(), kept=True)]


def plan_drop_ins(base: PurePosixPath, drop_ins: tuple[str, ...]) -> list[Placed]:
    """What is added to the unit for these cameras and accelerators."""
    return [Placed(_drop_in(base, name), asset("deploy", f"{name}.conf").read_text()) for name in drop_ins]


def is_packaged(root: Path) -> bool:
    """Whether a Debian package has put the service there: a unit of ours in /etc would hide the package's for ever."""
    return below(root, PACKAGED_BASE / PLACES["systemd", SERVICE]).exists()


def removable(*, packaged: bool = False) -> list[PurePosixPath]:
    """Every path that `plan` may have filled, the configuration apart."""
    base = PACKAGED_BASE if packaged else OWN_BASE
    return [base / place for place in PLACES.values()] + [_drop_in(base, name) for name in DROP_INS]


def write(files: list[Placed], root: Path, *, dry_run: bool) -> Iterator[str]:
    """Put the files below `root`, each whole or not at all; one line a file says what became of it. InstallError."""
    for placed in files:
        path = below(root, placed.path)
        try:
            if path.exists() and (placed.kept or path.read_text() == placed.text):
                yield f"{path}: kept"
                continue
            if not dry_run:
                _replace(path, placed.text)
        except OSError as error:
            raise _refused(path, error) from error
        yield f"{path}: {'would be written' if dry_run else 'written'}"


def remove(paths: list[PurePosixPath], root: Path, *, dry_run: bool) -> Iterator[str]:
    """Delete what is there of `paths`, and the drop-in folder once it is empty; one line a file. InstallError."""
    for path in (below(root, path) for path in paths):
        try:
            if not path.exists():
                continue
            if not dry_run:
                path.unlink()
                if path.parent.name == f"{SERVICE}.d" and not any(path.parent.iterdir()):
                    path.parent.rmdir()
        except OSError as error:
            raise _refused(path, error) from error
        yield f"{path}: {'would be removed' if dry_run else 'removed'}"


def below(root: Path, path: PurePosixPath) -> Path:
    """`path` in the file system that stands at `root`."""
    return root / path.relative_to("/")


def own_command() -> str:
    """The path of the command that runs just now. UsageError if the service could not see it."""
    started = Path(sys.argv[0])
    if started.name != "edge-retinaface":  # python -m edge_retinaface
        started = Path(sys.executable).with_name("edge-retinaface")
    found = shutil.which(started)
    if found is None:
        raise UsageError(f"{started}: wanted the edge-retinaface command, found nothing there: name it with --command")
    path = Path(found).absolute()
    for seen in (path.resolve(), Path(sys.base_prefix).resolve(), Path(__file__).resolve()):
        if any(seen.is_relative_to(hidden) for hidden in HIDDEN):
            raise UsageError(
                f"{seen}: wanted an installation that the service can see, found one in a home directory: "
                "python3 -m venv --system-site-packages /opt/edge-retinaface && "
                "/opt/edge-retinaface/bin/pip install edge-retinaface"
            )
    return str(path)


def call(*command: str) -> None:
    """Run a program of systemd. InstallError with the last line that it said if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own literals
    except OSError as error:
        raise InstallError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise InstallError(f"{' '.join(command)}: {said}")


def _drop_in(base: PurePosixPath, name: str) -> PurePosixPath:
    return base / f"systemd/system/{SERVICE}.d/{name}.conf"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text)
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> InstallError:
    hint = ": run it as root" if isinstance(error, PermissionError) else ""
    return InstallError(f"{path}: {error.strerror}{hint}")
