"""The double against the real Picamera2: its signatures as recorded, and the behaviour that its source shows."""

import importlib.util
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camera_servers import wait_for

from edge_retinaface.cameras.picamera_double import (
    CompletedRequest,
    MappedArray,
    Picamera2,
    Platform,
    Sensor,
    hardware_of,
)
from edge_retinaface.cameras.picamera_double.pipeline import GARBAGE

pytestmark = pytest.mark.usefixtures("no_leaks")

GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "picamera2_signatures.json").read_text())


def shown(function: Callable[..., Any]) -> str:
    parameters = [one for one in inspect.signature(function).parameters.values() if one.name not in {"self", "cls"}]
    return ", ".join(
        one.name if one.default is inspect.Parameter.empty else f"{one.name}={default(one.default)}"
        for one in parameters
    )


def default(value: object) -> str:
    return "libcamera.Transform()" if isinstance(value, tuple) else repr(value)


def methods(double: type) -> list[str]:
    return [
        name
        for name, member in vars(double).items()
        if (not name.startswith("_") or name == "__init__") and (callable(member) or isinstance(member, classmethod))
    ]


def camera(sensor: Sensor, platform: Platform = Platform.VC4) -> Any:  # noqa: ANN401 - the double as its user sees it
    return hardware_of(sensor, platform).picamera2.Picamera2()


def capture_all(one: Any) -> None:  # noqa: ANN401 - as above
    while True:
        one.capture_request(wait=0.2).release()


@pytest.fixture
def sensor() -> Sensor:
    return Sensor(np.full((90, 160, 3), 191, np.uint8), fps=200)


@pytest.mark.parametrize("double", [Picamera2, CompletedRequest, MappedArray])
def test_every_method_of_the_double_has_the_signature_of_the_real_one(double: type) -> None:
    recorded = RECORDED[double.__name__]
    assert len(methods(double)) >= 1
    for name in methods(double):
        assert name in recorded, f"the real {double.__name__} has no {name}"
        assert shown(getattr(double, name)) == recorded[name], name


@pytest.mark.slow
def test_the_newest_picamera2_still_has_the_recorded_signatures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":none:", "picamera2"]
    if subprocess.run([*command, "--dest", str(tmp_path)], check=False, capture_output=True).returncode:
        pytest.skip("pip cannot download picamera2 here")
    spec = importlib.util.spec_from_file_location("golden", GOLDEN / "make_picamera2_signatures.py")
    assert spec is not None
    assert spec.loader is not None
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    (wheel,) = tmp_path.glob("*.whl")
    newest = golden.record(str(wheel))
    for double in (Picamera2, CompletedRequest, MappedArray):
        for name in methods(double):
            assert newest[double.__name__][name] == RECORDED[double.__name__][name]


def test_vc4_refuses_an_rgb_lores_stream_and_pisp_takes_it(sensor: Sensor) -> None:
    for platform in Platform:
        with camera(sensor, platform) as one:
            config = one.create_video_configuration(lores={"format": "RGB888", "size": (320, 180)})
            if platform is Platform.VC4:
                with pytest.raises(RuntimeError, match="lores stream must be YUV"):
                    one.configure(config)
            else:
                one.configure(config)
                assert one.camera_configuration()["lores"]["stride"] == 960


@pytest.mark.parametrize(
    ("main", "lores", "message"),
    [
        ({"size": (640, 360)}, {"size": (1280, 720)}, "lores stream dimensions may not exceed main stream"),
        ({"format": "JPEG"}, None, "Bad format JPEG in stream main"),
    ],
)
def test_configurations_that_the_real_one_refuses(
    sensor: Sensor, main: dict[str, Any], lores: dict[str, Any] | None, message: str
) -> None:
    with camera(sensor) as one, pytest.raises(RuntimeError, match=message):
        one.configure(one.create_video_configuration(main=main, lores=lores))


def test_a_wrong_key_is_a_value_error_and_an_odd_size_becomes_even(sensor: Sensor) -> None:
    with camera(sensor) as one:
        with pytest.raises(ValueError, match="Bad key 'fps'"):
            one.create_video_configuration(main={"fps": 30})
        assert one.create_video_configuration(main={"size": (641, 361)})["main"]["size"] == (640, 360)


@pytest.mark.parametrize(
    ("platform", "stream", "width"),
    [
        (Platform.VC4, "RGB888", 672), (Platform.PISP, "RGB888", 640), (Platform.VC4, "YUV420", 640),
        (Platform.PISP, "YUV420", 640), (Platform.VC4, "XRGB8888", 688), (Platform.PISP, "XRGB8888", 672),
    ],
)  # fmt: skip
def test_aligned_widths_are_those_of_the_real_one(sensor: Sensor, platform: Platform, stream: str, width: int) -> None:
    with camera(sensor, platform) as one:
        config = one.create_video_configuration(main={"size": (700, 360), "format": stream})
        one.align_configuration(config)
        assert config["main"]["size"][0] == width


def test_configuring_while_it_runs_is_refused(sensor: Sensor) -> None:
    with camera(sensor) as one:
        one.start()
        with pytest.raises(RuntimeError, match="Camera must be stopped before configuring"):
            one.configure()


@pytest.mark.parametrize(
    ("stream", "pixel"),
    [("RGB888", [3, 2, 1]), ("BGR888", [1, 2, 3]), ("XRGB8888", [3, 2, 1, 255]), ("XBGR8888", [1, 2, 3, 255])],
)  # fmt: skip
def test_the_names_of_formats_are_little_endian(stream: str, pixel: list[int]) -> None:
    scene = np.full((90, 160, 3), (1, 2, 3), np.uint8)
    with camera(Sensor(scene, fps=200), Platform.PISP) as one:
        one.configure(one.create_video_configuration(main={"size": (160, 90), "format": stream}))
        one.start()
        assert one.capture_array("main")[0, 0].tolist() == pixel


def test_yuv420_comes_with_its_padding_which_holds_garbage() -> None:
    with camera(Sensor(np.full((90, 160, 3), 255, np.uint8), fps=200)) as one:
        one.configure(one.create_video_configuration(main={"size": (160, 90), "format": "YUV420"}))
        one.start()
        array = one.capture_array("main")
    assert array.shape == (135, 192)  # 64 bytes a plane's row and more
    assert set(array[:90, 160:].ravel().tolist()) == {GARBAGE}
    assert array[0, 0] == 235  # white, limited range


def test_requests_that_nobody_releases_starve_the_camera(sensor: Sensor) -> None:
    with camera(sensor) as one:
        one.configure(one.create_video_configuration(main={"size": (160, 90)}, buffer_count=3))
        one.start()
        held = [one.capture_request(wait=5) for _ in range(3)]
        with pytest.raises(TimeoutError):
            one.capture_request(wait=0.2)
        assert sensor.lost > 0
        one.cancel_all_and_flush()
        for request in held:
            request.release()
        one.capture_request(wait=5).release()


def test_a_released_request_has_nothing_left_and_cannot_be_released_again(sensor: Sensor) -> None:
    with camera(sensor) as one:
        one.start()
        request = one.capture_request()
        request.acquire()
        request.release()
        assert set(request.get_metadata()) == {"SensorTimestamp", "ExposureTime"}
        request.release()
        with pytest.raises(AssertionError):
            request.get_metadata()
        with pytest.raises(RuntimeError, match="negative ref_count"):
            request.release()
        with pytest.raises(RuntimeError, match="is not defined"):
            request.make_array("lores")


def test_a_mapped_array_is_the_camera_s_memory_and_only_inside_its_block(sensor: Sensor) -> None:
    with camera(sensor) as one:
        one.start()
        with one.captured_request() as request:
            with MappedArray(request, "main", write=False) as mapped:
                assert np.shares_memory(mapped.array, request.request["main"])
            assert not hasattr(mapped, "array")


def test_after_a_time_out_the_job_takes_the_next_frame_and_nobody_gets_it(sensor: Sensor) -> None:
    with camera(sensor) as one:
        one.configure(one.create_video_configuration(main={"size": (160, 90)}, buffer_count=2))
        one.start()
        one.capture_request(wait=5).release()
        sensor.plugged = False
        with pytest.raises(TimeoutError):
            capture_all(one)
        with pytest.raises(TimeoutError):
            one.capture_request(wait=0.05)
        sensor.plugged = True
        wait_for(lambda: sensor.lost > 0)  # both buffers went to jobs whose callers had left


def test_cancelled_jobs_tell_their_callers(sensor: Sensor) -> None:
    sensor.plugged = True
    with camera(sensor) as one:
        sensor.plugged = False
        one.start()
        with pytest.raises(TimeoutError):
            one.capture_request(wait=0.05)
        future = one._pipeline._jobs[0][1]  # noqa: SLF001 - whose caller could be another thread
        one.cancel_all_and_flush()
        with pytest.raises(CancelledError):
            future.result(timeout=0)


def test_one_instance_a_camera_until_it_is_closed(sensor: Sensor) -> None:
    hardware = hardware_of(sensor)
    one = hardware.picamera2.Picamera2(0)
    with pytest.raises(RuntimeError, match="Camera __init__ sequence did not complete"):
        hardware.picamera2.Picamera2(0)
    with pytest.raises(RuntimeError, match="No camera number 1 found"):
        hardware.picamera2.Picamera2(1)
    one.close()
    hardware.picamera2.Picamera2(0).close()
