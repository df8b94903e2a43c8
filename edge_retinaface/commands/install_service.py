"""`edge-retinaface install-service` and `uninstall-service`: the systemd units, and what they need."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from edge_retinaface import install
from edge_retinaface.commands.paths import as_path
from edge_retinaface.config import load_config
from edge_retinaface.errors import ConfigError, UsageError

BOOTED = Path("/run/systemd/system")  # sd_booted(3)
UDEVD = Path("/run/udev/control")
HERE = Path("/")

RootOption = Annotated[
    Path, typer.Option(parser=as_path, help="Work on the file system that stands in this folder; nothing is started.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
PackagedOption = Annotated[bool, typer.Option("--packaged", help="In /usr/lib as a package does, not in /etc.")]


def install_service(
    root: RootOption = HERE,
    dry_run: DryRunOption = False,
    command: Annotated[
        str, typer.Option(help="Path of edge-retinaface where the service will run [default: this one].")
    ] = "",
    packaged: PackagedOption = False,
    drop_ins: Annotated[
        list[str] | None, typer.Option("--with", help=f"One of {', '.join(install.DROP_INS)}; may be repeated.")
    ] = None,
) -> None:
    """Install the service, or bring it up to date; it is started once the configuration names a camera."""
    wanted = tuple(drop_ins or ())
    for name in wanted:
        if name not in install.DROP_INS:
            raise UsageError(f"--with: wanted one of {', '.join(install.DROP_INS)}, found {name!r}")
    is_theirs = not packaged and install.is_packaged(root)
    if is_theirs:
        typer.echo("the Debian package brings the service; added is what --with names", err=True)
        files = install.plan_drop_ins(install.OWN_BASE, wanted)
    else:
        files = install.plan(command or install.own_command(), packaged=packaged, drop_ins=wanted)
    _say(install.write(files, root, dry_run=dry_run))
    if root != HERE:
        return
    if not BOOTED.is_dir():
        typer.echo("systemd does not run here: nothing is started", err=True)
        return
    for step in _steps(install.PACKAGED_BASE if packaged or is_theirs else install.OWN_BASE):
        _call(*step, dry_run=dry_run)
    try:
        load_config(install.CONFIG, os.environ)
    except ConfigError as error:
        typer.echo(f"not started: {error}: then run this again", err=True)
        return
    # in this order also for an upgrade: a socket cannot be changed while its service runs
    _call("systemctl", "stop", install.SOCKET, install.SERVICE, dry_run=dry_run)
    _call("systemctl", "enable", install.SERVICE, dry_run=dry_run)
    _call("systemctl", "start", install.SERVICE, dry_run=dry_run)


def uninstall_service(root: RootOption = HERE, dry_run: DryRunOption = False, packaged: PackagedOption = False) -> None:
    """Stop the service and remove its files. Configuration, models and the user edge-retinaface stay."""
    if not packaged and install.is_packaged(root):
        typer.echo("the Debian package brings the service and takes it away: apt remove edge-retinaface", err=True)
    paths = install.removable(packaged=packaged)
    booted = root == HERE and BOOTED.is_dir()
    if booted and paths[0].name == install.SERVICE and Path(paths[0]).exists():
        _call("systemctl", "disable", "--now", install.SERVICE, install.SOCKET, dry_run=dry_run)
    _say(install.remove(paths, root, dry_run=dry_run))
    if booted:
        _call("systemctl", "daemon-reload", dry_run=dry_run)


def _steps(base: PurePosixPath) -> Iterator[tuple[str, ...]]:
    """The programs that make a running systemd take the new files."""
    yield "systemd-sysusers", str(base / install.SYSUSERS)
    yield "systemd-tmpfiles", "--create", str(base / install.TMPFILES)
    if UDEVD.exists():
        yield "udevadm", "control", "--reload"
        yield "udevadm", "trigger", "--subsystem-match=usb", "--subsystem-match=dma_heap"
    yield "systemctl", "daemon-reload"


def _call(*command: str, dry_run: bool) -> None:
    typer.echo(f"{'would run' if dry_run else 'runs'} {' '.join(command)}", err=True)
    if not dry_run:
        install.call(*command)


def _say(lines: Iterator[str]) -> None:
    for line in lines:
        typer.echo(line)
