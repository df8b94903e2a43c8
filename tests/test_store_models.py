import hashlib
import os
from pathlib import Path

import pytest
from store_cases import PackagedStore, make_model

from edge_retinaface.errors import ModelError
from edge_retinaface.store.models import KEPT, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return PackagedStore(tmp_path)


def add(store: Store, folder: Path, name: str) -> str:
    path = folder / f"{name}.tflite"
    with store.locked():
        return store.add(path, make_model(path, name))


def switch(store: Store, digest: str | None) -> None:
    with store.locked():
        store.switch(digest)


def test_an_empty_store_has_no_models_and_the_packages_one_is_used(store: Store) -> None:
    assert store.models() == []
    assert (store.current, store.previous) == (None, None)
    assert [path.name for path in store.whole()] == ["packaged.tflite"]


def test_a_model_is_named_by_what_is_in_it_and_added_once(store: Store, tmp_path: Path) -> None:
    digest = add(store, tmp_path, "a")
    assert digest == hashlib.sha256((tmp_path / "a.tflite").read_bytes()).hexdigest()
    assert add(store, tmp_path, "a") == digest
    assert [one.digest for one in store.models()] == [digest]
    assert store.current is None


def test_what_is_no_model_is_not_added(store: Store, tmp_path: Path) -> None:
    with store.locked(), pytest.raises(ModelError, match=r"x\.tflite: wanted a TFLite model"):
        store.add(tmp_path / "x.tflite", b"no model")
    assert store.models() == []


def test_a_switch_is_one_link_and_the_one_before_is_remembered(store: Store, tmp_path: Path) -> None:
    a, b = add(store, tmp_path, "a"), add(store, tmp_path, "b")
    switch(store, a)
    assert (store.current, store.previous) == (a, None)
    switch(store, b)
    assert (store.current, store.previous) == (b, a)
    assert store.link.readlink() == Path(f"objects/{b}.tflite")
    assert store.link.read_bytes() == (tmp_path / "b.tflite").read_bytes()


def test_a_rollback_goes_back_and_a_second_one_forward(store: Store, tmp_path: Path) -> None:
    a = add(store, tmp_path, "a")
    switch(store, a)
    with store.locked():
        assert store.rollback() is None
        assert (store.current, store.previous) == (None, a)
        assert store.rollback() == a
    assert (store.current, store.previous) == (a, None)


def test_without_a_model_before_there_is_no_rollback(store: Store) -> None:
    with store.locked(), pytest.raises(ModelError, match="wanted a model to go back to, found none"):
        store.rollback()


def test_a_current_model_that_is_damaged_gives_way_to_the_previous_then_to_the_packages(
    store: Store, tmp_path: Path
) -> None:
    a, b = add(store, tmp_path, "a"), add(store, tmp_path, "b")
    switch(store, a)
    switch(store, b)
    store.path(b).write_bytes(store.path(b).read_bytes()[:-1])
    assert [path.name for path in store.whole()] == [f"{a}.tflite", "packaged.tflite"]
    store.path(a).unlink()
    assert [path.name for path in store.whole()] == ["packaged.tflite"]


def test_a_damaged_model_is_mended_by_adding_it_again(store: Store, tmp_path: Path) -> None:
    a = add(store, tmp_path, "a")
    store.path(a).write_bytes(b"")
    assert add(store, tmp_path, "a") == a
    switch(store, a)
    assert store.current == a


def test_a_switch_to_a_damaged_model_is_refused(store: Store, tmp_path: Path) -> None:
    a = add(store, tmp_path, "a")
    store.path(a).write_bytes(b"")
    with store.locked(), pytest.raises(ModelError, match="an empty file"):
        store.switch(a)
    assert store.current is None


def test_of_models_that_nothing_names_the_newest_five_are_kept(store: Store, tmp_path: Path) -> None:
    digests = [add(store, tmp_path, f"m{number}") for number in range(8)]
    for number, digest in enumerate(digests):
        os.utime(store.path(digest), (number, number))
    switch(store, digests[0])
    with store.locked():
        assert store.prune(keep=digests[1]) == [digests[2]]
    assert KEPT == 5
    assert [one.digest for one in store.models()] == [*digests[:2:-1], digests[1], digests[0]]


def test_two_commands_do_not_change_a_store_at_once(store: Store, tmp_path: Path) -> None:
    with (
        store.locked(),
        pytest.raises(ModelError, match="another command changes it"),
        PackagedStore(tmp_path).locked(),
    ):
        pass


def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file/objects: Not a directory"), Store(tmp_path / "file").locked():
        pass
