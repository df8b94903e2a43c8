"""The process dies before every single system call that changes the store, by strace; then the next start looks."""

import functools
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from store_cases import PackagedStore, make_model

from edge_retinaface.store.disk import ASIDE, CHUNK

ROOT = Path(__file__).parent.parent
BIG = 2 * CHUNK + 1000  # bytes: three writes
CALLS = ("mkdir", "chmod", "fchmod", "openat", "write", "fsync", "rename", "symlink", "unlink")
LINE = re.compile(r"^(\w+)\((.*)\) += (?:-?\d+|\?)")
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_cases import PackagedStore
from edge_retinaface.store.notes import Request, withdraw_request, write_request
store = PackagedStore(Path(sys.argv[2]))
new = store.folder.parent / "new.tflite"
with store.locked():
    if sys.argv[3] == "install":  # what the command does, without a service that answers
        digest = store.add(new, new.read_bytes())
        write_request(store.folder, Request(id="x", model=digest))
        store.switch(digest)
        withdraw_request(store.folder)
        store.prune()
    else:
        withdraw_request(store.folder)
        store.rollback()
"""


class Call(NamedTuple):
    """A system call that changes the store."""

    name: str
    number: int  # among the calls of this name
    path: str  # below the store


@functools.cache
def unable() -> str:
    """Why processes cannot be traced here; "" if they can."""
    if shutil.which("strace") is None:
        return "needs apt-get install strace"
    return "" if subprocess.run(["strace", "true"], capture_output=True, check=False).returncode == 0 else "no ptrace"


pytestmark = pytest.mark.skipif(bool(unable()), reason=unable() or "-")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which b is current and a is previous, six more that nothing names, and a file new.tflite for it."""
    folder = tmp_path / "device"
    folder.mkdir()
    store = PackagedStore(folder)
    with store.locked():
        for name in ("c", "d", "e", "f", "g", "h"):
            store.add(tmp_path / name, make_model(tmp_path / name, name))
        for name in ("a", "b"):
            store.switch(store.add(tmp_path / name, make_model(tmp_path / name, name, BIG)))
    make_model(folder / "new.tflite", "new", BIG)
    return folder


def traced(folder: Path, change: str, *options: str) -> tuple[int, list[Call]]:
    """Exit code of the change in the store below `folder`, and its calls that changed something there, in order."""
    log = folder.with_suffix(".log")
    command = ["strace", "-y", "-e", f"trace={','.join(CALLS)}", "-o", str(log), *options]
    command += [sys.executable, "-B", "-c", DRIVER, str(ROOT / "tests"), str(folder), change]
    code = subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode
    found, counts = [], dict.fromkeys(CALLS, 0)
    for line in log.read_text().splitlines():
        call = LINE.match(line)
        if call is None:
            continue
        counts[call[1]] += 1
        path = re.findall(rf'{folder}/store/?([^">,]*)', call[2])
        if path and (call[1] != "openat" or "O_CREAT" in call[2]):
            found.append(Call(call[1], counts[call[1]], path[-1] or "."))
    return code, found


def finish(folder: Path, change: str) -> None:
    """What the next command does; a second rollback would go forward again, so there it does nothing."""
    store = PackagedStore(folder)
    with store.locked():
        if change == "install":
            store.switch(store.add(folder / "new.tflite", (folder / "new.tflite").read_bytes()))


def shown(path: str) -> str:
    """A path with the digest of a model left out."""
    return re.sub(r"[0-9a-f]{64}", "<sha256>", path)


@pytest.mark.parametrize(("change", "least"), [("install", 30), ("rollback", 13)])
def test_whichever_call_the_process_dies_at_the_old_model_or_the_new_one_is_there_whole(
    folder: Path, change: str, least: int
) -> None:
    code, calls = traced(shutil.copytree(folder, folder.with_name("whole"), symlinks=True), change)
    assert code == 0
    assert len(calls) >= least
    before = PackagedStore(folder)
    old = {before.current}
    new = PackagedStore(folder.with_name("whole")).current
    starts = []
    for count, call in enumerate(calls):
        here = shutil.copytree(folder, folder.with_name(f"killed-{count}"), symlinks=True)
        killed, seen = traced(here, change, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        assert killed == -signal.SIGKILL
        assert [one.name for one in seen] == [one.name for one in calls[: count + 1]], "it died there and nowhere else"
        (start,) = (path.stem for path in list(PackagedStore(here).whole())[:1])
        starts.append(start)
        sys.stderr.write(f"| {change} | {call.name} {shown(call.path)} | {'old' if start in old else 'new'} |\n")
        finish(here, change)
        assert not list(here.rglob(f"{ASIDE}*"))
        if change == "install":
            assert PackagedStore(here).current == new
    assert set(starts) == {*old, new}, "the old one at first, then the new one"
    assert starts == sorted(starts, key=lambda digest: digest == new), "and never back again"
