"""Options that change while the service runs, and commands that are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_helpers import endless

from edge_retinaface.cameras import ReplayCamera
from edge_retinaface.publishers import Command
from edge_retinaface.service.control import Control


def make_control(announced: list[tuple[str, str, str]]) -> tuple[Control, dict[str, ReplayCamera]]:
    cameras = {name: ReplayCamera(name, endless, max_fps=15) for name in ("door", "hall")}
    control = Control(lambda camera, option, value: announced.append((camera, option, value)))
    control.replace(cameras.values(), 0.6)
    return control, cameras


def test_every_option_is_made_known_as_it_is() -> None:
    announced: list[tuple[str, str, str]] = []
    control, _ = make_control(announced)
    control.announce_all()
    options = [("enabled", "ON"), ("threshold", "0.6"), ("max_fps", "15")]
    assert announced == [(camera, *option) for camera in ("door", "hall") for option in options]


def test_a_command_changes_one_camera_or_all_and_is_made_known() -> None:
    announced: list[tuple[str, str, str]] = []
    control, cameras = make_control(announced)
    assert control.on_command(Command("door", "threshold", "0.75")) is None
    assert control.on_command(Command("", "max_fps", "5")) is None
    assert control.on_command(Command("hall", "enabled", "OFF")) is None
    assert (control.threshold("door"), control.threshold("hall")) == (0.75, 0.6)
    assert [camera.max_fps for camera in cameras.values()] == [5, 5]
    assert [camera.enabled for camera in cameras.values()] == [True, False]
    assert announced == [
        ("door", "threshold", "0.75"), ("door", "max_fps", "5"), ("hall", "max_fps", "5"), ("hall", "enabled", "OFF"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (Command("attic", "enabled", "ON"), "camera: wanted one of door, hall, found 'attic'"),
        (Command("door", "colour", "red"), "option: wanted enabled, threshold or max_fps, found 'colour'"),
        (Command("door", "enabled", "on"), "enabled: wanted ON or OFF, found 'on'"),
        (Command("door", "threshold", "1.5"), "threshold: wanted a number from 0 to 1, found '1.5'"),
        (Command("door", "threshold", "nan"), "threshold: wanted a number from 0 to 1, found 'nan'"),
        (Command("door", "max_fps", "0"), "max_fps: wanted a number from 0.001 to 240, found '0'"),
        (Command("door", "max_fps", ""), "max_fps: wanted a number from 0.001 to 240, found ''"),
    ],
)
def test_a_wrong_command_changes_nothing_and_says_what_was_wanted(command: Command, wrong: str) -> None:
    announced: list[tuple[str, str, str]] = []
    control, cameras = make_control(announced)
    before = [control.options(name) for name in cameras]
    assert control.on_command(command) == wrong
    assert [control.options(name) for name in cameras] == before
    assert announced == []


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_command_raises(camera: str, option: str, value: str) -> None:
    control, _ = make_control([])
    for text in (value, f"{value}e9"):
        for name in (camera, "door"):
            for one in (option, "threshold", "max_fps", "enabled"):
                control.on_command(Command(name, one, text))
