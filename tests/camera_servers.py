"""Real cameras for the tests: an HTTP server of MJPEG, an RTSP server, video files. Each can be made to misbehave."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from waiting import PATIENCE_S, eventually

from edge_retinaface.cameras import LatestCamera
from edge_retinaface.data import Frame

SYSTEM_PYTHON = "/usr/bin/python3"  # has GStreamer's bindings where Debian's python3-gi is installed
RTSP_PACKAGES = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-{base,good,ugly}"
RTSP_PROGRAM = """
import sys, time
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
WIDTH, HEIGHT = 640, 480
class Factory(GstRtspServer.RTSPMediaFactory):  # shows the lower 16 bits of CLOCK_MONOTONIC's milliseconds as bars
    def do_create_element(self, url):
        return Gst.parse_launch(
            "( appsrc name=src is-live=true do-timestamp=true format=3 "
            "caps=video/x-raw,format=I420,width=640,height=480,framerate=15/1 "
            "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96 )")
    def do_configure(self, media):
        source = media.get_element().get_by_name_recurse_up("src")
        def push():
            ms = time.monotonic_ns() // 1000000
            row = b"".join((b"\\xff" if ms >> bit & 1 else b"\\x00") * (WIDTH // 16) for bit in range(16))
            picture = row * HEIGHT + b"\\x80" * (WIDTH * HEIGHT // 2)
            return source.emit("push-buffer", Gst.Buffer.new_wrapped(picture)) == Gst.FlowReturn.OK
        GLib.timeout_add(67, push)
server = GstRtspServer.RTSPServer(); server.set_address("127.0.0.1"); server.set_service(sys.argv[1])
factory = Factory(); factory.set_shared(True)
server.get_mount_points().add_factory("/t", factory); server.attach(None)
print("up", flush=True)
GLib.MainLoop().run()
"""


def wait_for(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    assert eventually(condition, within_s), "it did not happen"


def take(camera: LatestCamera, count: int, within_s: float = 20.0) -> list[Frame]:
    """The next frames of a camera that should be there."""
    until = time.monotonic() + within_s
    frames: list[Frame] = []
    while len(frames) < count:
        assert time.monotonic() < until, f"{len(frames)} of {count} frames, camera {camera.state}"
        frame = camera.take()
        if frame is None:
            time.sleep(0.001)
        else:
            frames.append(frame)
    return frames


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bars_ms(pixels: np.ndarray) -> int:
    """The milliseconds that a frame of the RTSP server shows, lower 16 bits."""
    bits = pixels[240, 20::40, 0] > 128
    return sum(1 << bit for bit in range(16) if bits[bit])


class RtspServer:
    """An RTSP camera of 15 frames a second that can be frozen, killed and started again."""

    def __init__(self) -> None:
        self._port = free_port()
        self.uri = f"rtsp://127.0.0.1:{self._port}/t"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [SYSTEM_PYTHON, "-c", RTSP_PROGRAM, str(self._port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        with self.process.stdout as output:
            assert output.readline() == b"up\n"

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def rtsp_server() -> Iterator[RtspServer]:
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    missing = not Path(SYSTEM_PYTHON).exists()
    if missing or subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip(f"no RTSP server: install {RTSP_PACKAGES}")
    server = RtspServer()
    try:
        yield server
    finally:
        server.kill()


class MjpegServer(ThreadingHTTPServer):
    """An HTTP camera. `mode`: play, stall (silent, connection open), cut (closes), refuse (404), garbage."""

    daemon_threads = True

    def __init__(self, fps: float = 25.0) -> None:
        super().__init__(("127.0.0.1", 0), _MjpegHandler)
        self.fps = fps
        self.mode = "play"
        self.sent = 0
        self.uri = f"http://127.0.0.1:{self.server_address[1]}/video.mjpg"


class _MjpegHandler(BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        if self.server.mode == "refuse":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        while self.server.mode != "cut":
            if self.server.mode != "stall":
                self._send_picture()
            time.sleep(1 / self.server.fps)

    def _send_picture(self) -> None:
        self.server.sent += 1
        picture = np.full((48, 64, 3), self.server.sent % 200, np.uint8)
        jpeg = os.urandom(2000) if self.server.mode == "garbage" else cv2.imencode(".jpg", picture)[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        self.wfile.write(head.encode() + jpeg + b"\r\n")

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client left
            return

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def mjpeg_server(fps: float = 25.0) -> Iterator[MjpegServer]:
    server = MjpegServer(fps)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.mode = "cut"
        server.shutdown()
        thread.join()
        server.server_close()


def make_clip(path: Path, frames: int, fps: int = 25, *, noise: bool = False) -> Path:
    """A video of 64x48 whose n-th frame is grey at 4 * n, or noise, which no codec makes small."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: install ffmpeg")
    picture = f"color=black:s=64x48:r={fps}:d={frames / fps},format=gray,geq=lum={'random(1)*255' if noise else '4*N'}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-frames:v", str(frames)]
    subprocess.run([*command, "-pix_fmt", "yuvj420p", "-c:v", "mpeg4", "-q:v", "1", str(path)], check=True)
    return path
