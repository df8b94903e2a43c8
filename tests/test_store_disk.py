"""The power goes at every step: by killing the process there, and by losing whatever was not synced."""

import hashlib
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_cases import PackagedStore, make_model

from edge_retinaface.store.disk import ASIDE, CHUNK, write_whole
from edge_retinaface.store.models import Store

BIG = 2 * CHUNK + 1000  # bytes: three writes
DRIVER = """
import json, os, shutil, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_cases import PackagedStore
folder, change = Path(sys.argv[2]), sys.argv[3]
content = (folder / "new.tflite").read_bytes()
steps = []
for number in range(1, 100):
    here = folder.with_name(f"killed-{number}")
    shutil.copytree(folder, here, symlinks=True)
    pipe = os.pipe()
    if os.fork() == 0:
        def step(what):
            os.write(pipe[1], what.encode() + b"\\n")
            steps.append(what)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
        store = PackagedStore(here, step)
        with store.locked():
            if change == "rollback":
                store.rollback()
            else:
                store.switch(store.add(here / "new.tflite", content))
        os._exit(0)
    os.close(pipe[1])
    said = b""
    while more := os.read(pipe[0], 65536):
        said += more
    os.close(pipe[0])
    status = os.wait()[1]
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, status
        break
    steps = []
    print(json.dumps([str(here), said.decode().splitlines()[-1]]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which b is current and a is previous, and a file new.tflite for it."""
    folder = tmp_path / "device"
    folder.mkdir()
    store = PackagedStore(folder)
    with store.locked():
        for name in ("a", "b"):
            path = tmp_path / f"{name}.tflite"
            store.switch(store.add(path, make_model(path, name, BIG)))
    make_model(folder / "new.tflite", "new", BIG)
    return folder


def digests(folder: Path) -> tuple[str, str]:
    store = PackagedStore(folder)
    assert store.previous is not None
    assert store.current is not None
    return store.previous, store.current


def finish(folder: Path, change: str) -> Store:
    """What the next command does after the power is back."""
    store = PackagedStore(folder)
    with store.locked():
        if change == "install":
            store.switch(store.add(folder / "new.tflite", (folder / "new.tflite").read_bytes()))
    return store


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{ASIDE}*"))


@pytest.mark.parametrize(("change", "least"), [("install", 14), ("rollback", 6)])
def test_a_process_killed_at_any_step_leaves_the_old_model_or_the_new_one(
    folder: Path, change: str, least: int
) -> None:
    before = digests(folder)
    command = [sys.executable, "-c", DRIVER, str(Path(__file__).parent), str(folder), change]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    table = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(table) >= least
    first = []
    for here, _ in table:
        whole = next(PackagedStore(Path(here)).whole())
        first.append(whole.stem)
        store = finish(Path(here), change)
        assert leftovers(Path(here)) == []
        if change == "install":
            assert (store.current, store.previous) == (new_digest(folder), before[1])
    wanted = {before[1], new_digest(folder) if change == "install" else before[0]}
    assert set(first) == wanted, "the old one at first, then the new one"
    assert first == sorted(first, key=lambda digest: digest != before[1]), "never back again"


def new_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "new.tflite").read_bytes()).hexdigest()


class Disk:
    """What a disk may hold after a power cut: names and data of which nobody waited for the sync may be lost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.synced: set[Path] = set()  # files whose data are on the disk
        self.names = {path: self._look(path) for path in self._folders()}  # as last synced
        self.states: list[tuple[str, list[dict[Path, dict[str, object]]]]] = []

    def step(self, what: str) -> None:
        verb, _, name = what.partition(" ")
        path = Path(name)
        if verb == "sync" and path.is_dir():
            self.names[path] = self._look(path)
        elif verb == "sync":
            self.synced.add(path)
        elif verb == "rename":
            aside = path.with_name(ASIDE + path.name)
            if aside in self.synced:
                self.synced.add(path)
                self.synced.discard(aside)
            else:
                self.synced.discard(path)
        elif verb in ("create", "write"):
            self.synced.discard(path)
        self.states.append((what, list(self._possible())))

    def _folders(self) -> list[Path]:
        return [self.folder, *(path for path in self.folder.rglob("*") if path.is_dir())]

    def _look(self, folder: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in folder.iterdir():
            if path.is_symlink():
                found[path.name] = path.readlink()
            elif path.is_file():
                found[path.name] = path.read_bytes()
        return found

    def _possible(self) -> Iterator[dict[Path, dict[str, object]]]:
        """Each folder as last synced or as it is; unsynced data whole, half or gone."""
        choices = [(self.names[path], self._look(path)) for path in self.names]
        for picked in itertools.product(*choices):
            for share in (0.0, 0.5, 1.0):
                yield {
                    folder: {name: self._cut(folder / name, value, share) for name, value in entries.items()}
                    for folder, entries in zip(self.names, picked, strict=True)
                }

    def _cut(self, path: Path, value: object, share: float) -> object:
        lasting = path in self.synced or value == self.names[path.parent].get(path.name)
        return value[: int(len(value) * share)] if isinstance(value, bytes) and not lasting else value


def lay_out(state: dict[Path, dict[str, object]], folder: Path, here: Path) -> None:
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(folder.parent, here, symlinks=True, ignore=shutil.ignore_patterns("store"))
    for place, entries in state.items():
        target = here / "store" / place.relative_to(folder)
        target.mkdir(parents=True)
        for name, value in entries.items():
            if isinstance(value, bytes):
                (target / name).write_bytes(value)
            else:
                (target / name).symlink_to(str(value))


@pytest.mark.parametrize("change", ["install", "rollback"])
def test_whatever_the_disk_had_not_written_yet_there_is_a_whole_model_of_ours(
    folder: Path, tmp_path: Path, change: str
) -> None:
    before = digests(folder)
    new = new_digest(folder)
    disk = Disk(folder / "store")
    store = PackagedStore(folder, disk.step)
    with store.locked():
        if change == "rollback":
            store.rollback()
        else:
            store.switch(store.add(folder / "new.tflite", (folder / "new.tflite").read_bytes()))
    tried = 0
    for _, states in disk.states:
        for state in states:
            lay_out(state, folder / "store", tmp_path / "after")
            whole = next(PackagedStore(tmp_path / "after").whole()).stem
            assert whole in {before[1], new if change == "install" else before[0]}
            tried += 1
            if change == "install" and tried % 7 == 0:  # a sample: it is the slow half
                assert finish(tmp_path / "after", change).current == new
    assert tried >= 50
    for state in disk.states[-1][1]:
        lay_out(state, folder / "store", tmp_path / "after")
        wanted = new if change == "install" else before[0]
        assert next(PackagedStore(tmp_path / "after").whole()).stem == wanted, "what was done stays done"


def test_bytes_of_a_file_come_in_steps_so_that_each_can_be_cut(tmp_path: Path) -> None:
    steps: list[str] = []
    write_whole(tmp_path / "x", bytes(BIG), steps.append)
    assert [step.split()[0] for step in steps] == ["create", "write", "write", "write", "sync", "rename", "sync"]
