import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from typer.testing import CliRunner

from edge_retinaface.cli import app
from edge_retinaface.errors import InstallError, UsageError
from edge_retinaface.install import CONFIG, DROP_INS, PLACEHOLDER, below, call, plan, removable, remove, write

COMMAND = "/opt/edge-retinaface/bin/edge-retinaface"
SERVICE_FILE = "etc/systemd/system/edge-retinaface.service"
OWN = {
    SERVICE_FILE,
    "etc/systemd/system/edge-retinaface.socket",
    "etc/sysusers.d/edge-retinaface.conf",
    "etc/tmpfiles.d/edge-retinaface.conf",
    "etc/udev/rules.d/70-edge-retinaface.rules",
}
CONFIG_FILE = "etc/edge-retinaface/config.toml"


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def edge_retinaface(*arguments: str) -> str:
    """The output of a command that works, run in this process: it is quicker."""
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def install(root: Path, *arguments: str) -> str:
    return edge_retinaface("install-service", "--root", str(root), "--command", COMMAND, *arguments)


def failing_install(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_retinaface", "install-service", "--root", str(root), "--command", COMMAND]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_six_files_are_installed_and_the_unit_runs_the_command(tmp_path: Path) -> None:
    install(tmp_path)
    assert tree(tmp_path) == OWN | {CONFIG_FILE}
    unit = (tmp_path / SERVICE_FILE).read_text()
    assert f"ExecStart={COMMAND} run\n" in unit
    assert PLACEHOLDER not in unit
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in tree(tmp_path)} == {0o644}


def test_a_package_has_its_files_in_usr_lib_and_its_configuration_in_etc(tmp_path: Path) -> None:
    install(tmp_path, "--packaged")
    assert tree(tmp_path) == {name.replace("etc/", "usr/lib/") for name in OWN} | {CONFIG_FILE}


def test_only_the_service_file_names_the_command() -> None:
    (changed,) = (placed.path for placed in plan(COMMAND) if COMMAND in placed.text)
    assert changed == PurePosixPath("/") / SERVICE_FILE


def test_a_second_time_keeps_everything_and_an_upgrade_keeps_the_configuration_only(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / CONFIG_FILE).write_text("mine")
    assert install(tmp_path).count(": kept\n") == 6
    (tmp_path / SERVICE_FILE).write_text("of an older version")
    assert install(tmp_path).count(": written\n") == 1
    assert (tmp_path / CONFIG_FILE).read_text() == "mine"
    assert COMMAND in (tmp_path / SERVICE_FILE).read_text()


def test_a_dry_run_says_six_times_what_it_would_write_and_writes_nothing(tmp_path: Path) -> None:
    assert install(tmp_path, "--dry-run").count(": would be written\n") == 6
    assert list(tmp_path.iterdir()) == []


def test_uninstall_removes_what_was_installed_and_leaves_configuration_and_foreign_drop_ins(tmp_path: Path) -> None:
    install(tmp_path, "--with", "coral", "--with", "picamera2")
    foreign = tmp_path / f"{SERVICE_FILE}.d" / "mine.conf"
    foreign.write_text("[Service]\n")
    assert edge_retinaface("uninstall-service", "--root", str(tmp_path), "--dry-run").count("would be") == 7
    assert len(tree(tmp_path)) == 9
    edge_retinaface("uninstall-service", "--root", str(tmp_path))
    assert tree(tmp_path) == {CONFIG_FILE, str(foreign.relative_to(tmp_path))}
    assert edge_retinaface("uninstall-service", "--root", str(tmp_path)) == ""


def test_the_drop_in_folder_goes_with_the_last_drop_in(tmp_path: Path) -> None:
    install(tmp_path, "--with", "coral")
    edge_retinaface("uninstall-service", "--root", str(tmp_path))
    assert not (tmp_path / f"{SERVICE_FILE}.d").exists()


def test_beside_a_debian_package_only_drop_ins_are_written_and_its_unit_is_not_hidden(tmp_path: Path) -> None:
    install(tmp_path, "--packaged")
    package = tree(tmp_path)
    assert install(tmp_path) == ""
    install(tmp_path, "--with", "coral")
    assert tree(tmp_path) - package == {f"{SERVICE_FILE}.d/coral.conf"}
    edge_retinaface("uninstall-service", "--root", str(tmp_path))
    assert tree(tmp_path) == package


def test_whatever_is_planned_can_be_removed() -> None:
    for packaged in (False, True):
        planned = {placed.path for placed in plan(COMMAND, packaged=packaged, drop_ins=DROP_INS)}
        assert planned - set(removable(packaged=packaged)) == {CONFIG}


@pytest.mark.parametrize("command", ["", "edge-retinaface", "/opt/my venv/x", "/opt/%h/x", "/opt/x;reboot", "/opt/x\n"])
def test_a_command_that_systemd_would_read_otherwise_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match="--command: wanted an absolute path"):
        plan(command)


def test_a_command_in_a_home_directory_is_refused_because_the_service_cannot_see_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv[0] = sys.argv.pop(1); sys.base_prefix = '/home/pi/python';"
        "from edge_retinaface.cli import main; main()"
    )
    here = tmp_path / "edge-retinaface"
    here.touch(mode=0o755)
    command = [sys.executable, "-c", program, str(here), "install-service", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/home/pi/python: wanted an installation that the service can see" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_drop_in_is_a_usage_error(tmp_path: Path) -> None:
    done = failing_install(tmp_path, "--with", "hailo")
    assert (done.returncode, done.stderr) == (
        2,
        "edge-retinaface: --with: wanted one of picamera2, coral, found 'hailo'\n",
    )


def test_a_folder_that_cannot_be_written_is_one_line_and_leaves_nothing_aside(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/systemd").touch()  # a file where a folder is needed: refused to root as well
    done = failing_install(tmp_path)
    assert done.returncode == 74
    assert done.stderr.count("\n") == 1
    assert "etc/systemd" in done.stderr
    assert tree(tmp_path) == {"etc/systemd"}


def test_a_file_that_cannot_replace_what_is_there_is_not_left_half_written(tmp_path: Path) -> None:
    target = below(tmp_path, PurePosixPath("/x/y"))
    target.mkdir(parents=True)
    files = plan(COMMAND)
    with pytest.raises(InstallError, match="Is a directory"):
        list(write([files[0]._replace(path=PurePosixPath("/x/y"))], tmp_path, dry_run=False))
    assert list(target.parent.iterdir()) == [target]


def test_removing_from_an_empty_root_does_nothing(tmp_path: Path) -> None:
    assert list(remove(removable(), tmp_path, dry_run=False)) == []


def test_a_program_that_fails_or_is_missing_is_reported_with_its_last_words() -> None:
    with pytest.raises(InstallError, match="sh -c echo one >&2; echo two >&2; exit 3: two"):
        call("sh", "-c", "echo one >&2; echo two >&2; exit 3")
    with pytest.raises(InstallError, match="no-such-program: No such file"):
        call("no-such-program")
