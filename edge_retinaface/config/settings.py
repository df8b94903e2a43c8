"""The settings: every key, its unit, its limits and its default. Nothing else repeats them."""

import re
import socket
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from edge_retinaface.config.secret import Secret
from edge_retinaface.data import MOST_THREADS

CAMERA_SCHEMES = ("picamera", "v4l2", "rtsp", "rtsps", "http", "https", "file", "folder")
RECORDED_SCHEMES = ("file", "folder")  # the only ones that end, and that can run faster than life
MAX_FPS = 240.0  # no supported sensor is faster
GRID = "[1-8]x[1-8]"  # rows and columns of tiles
SOCKET_PATH_BYTES = 107  # what Linux holds of an AF_UNIX address

# (?!\n)$ and not $: Python's $ lets a last line feed through; written so that JSON Schema reads it as well
_NAME = r"^[A-Za-z0-9_-]{1,64}(?!\n)$"
_TOPIC = r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"
_CHARACTER = r"[^\x00-\x1f\x7f\ud800-\udfff]"  # no control characters, nothing that UTF-8 cannot hold

Name = Annotated[str, Meta(pattern=_NAME, extra={"wanted": "1 to 64 letters, digits, - or _"})]
Topic = Annotated[str, Meta(pattern=rf"^{_TOPIC}(?!\n)$", extra={"wanted": "a topic of letters, digits, . - _ and /"})]
Text = Annotated[str, Meta(pattern=rf"^{_CHARACTER}*(?!\n)$", extra={"wanted": "text without control characters"})]
Host = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9_%:-]{1,63}\.)*[A-Za-z0-9_%:-]{1,63}\.?(?!\n)$",
        extra={"wanted": "a host name or address"},
    ),
]
OptionalTopic = Annotated[
    str, Meta(pattern=rf"^({_TOPIC})?(?!\n)$", extra={"wanted": 'a topic of letters, digits, . - _ and /, or ""'})
]
Delegate = Annotated[
    str,
    Meta(
        pattern=rf"^(|edgetpu(:(usb|pci|)(:[0-9]+)?)?|{_CHARACTER}*/{_CHARACTER}*|{_CHARACTER}+\.so(\.[0-9]+)*)(?!\n)$",
        extra={"wanted": '"", "edgetpu", "edgetpu:usb:0" or the path of a delegate library'},
    ),
]
CameraUri = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(CAMERA_SCHEMES)}):{_CHARACTER}+(?!\n)$",
        extra={"wanted": "picamera:0, v4l2:/dev/video0, rtsp://…, http://…, file:clip.mp4 or folder:pictures"},
    ),
]


def host_name() -> str:
    """This computer's name without its domain, with - for what an MQTT topic or Home Assistant would not take."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().split(".")[0])
    return name[:64] or "device"


class _Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all tables have in common."""


class ModelSettings(_Settings, frozen=True, kw_only=True):
    """The model and how it runs."""

    path: Annotated[Text, Meta(description="model file; left out: the model that came with the package")] | None = None
    threads: Annotated[int, Meta(ge=1, le=MOST_THREADS, description="CPU threads of the interpreter")] = 2
    threshold: Annotated[float, Meta(ge=0, le=1, description="lowest score of a face, 0 to 1")] = 0.6
    max_iou: Annotated[
        float, Meta(ge=0, le=1, description="two boxes that overlap more than this are one face, 0 to 1")
    ] = 0.4
    delegate: Annotated[
        Delegate,
        Meta(description='"" for none, "edgetpu", "edgetpu:usb:0" and the like, or the path of a delegate library'),
    ] = ""
    delegate_fallback: Annotated[
        bool, Meta(description="run on the CPU where the delegate does not work; false: do not start")
    ] = False
    tiles: Annotated[
        str,
        Meta(
            pattern=rf"^{GRID}(?!\n)$",
            description='rows x columns of tiles to look at as well, for small faces; "2x2" takes 5 times as long',
            extra={"wanted": '"1x1" to "8x8"'},
        ),
    ] = "1x1"
    interpreter: Annotated[
        Literal["", "litert", "tflite-runtime"], Meta(description='"" takes the one that is installed')
    ] = ""


class CameraSettings(_Settings, frozen=True, kw_only=True):
    """One camera."""

    name: Annotated[Name, Meta(description="its name in messages and topics; each camera its own")]
    uri: Annotated[
        CameraUri,
        Meta(description="picamera:0, v4l2:/dev/video0, rtsp://…, http://…, file:clip.mp4 or folder:pictures"),
    ]
    width: Annotated[int, Meta(ge=16, le=16384, description="pixels, asked of the camera")] = 1280
    height: Annotated[int, Meta(ge=16, le=16384, description="pixels, asked of the camera")] = 720
    max_fps: Annotated[float, Meta(gt=0, le=MAX_FPS, description="frames a second that are looked at, at most")] = 15.0
    rotation: Annotated[Literal[0, 90, 180, 270], Meta(description="degrees clockwise")] = 0
    flip: Annotated[Literal["", "horizontal", "vertical"], Meta(description="mirror the picture, after rotation")] = ""
    loop: Annotated[bool, Meta(description="files and folders: start again at the end")] = False
    realtime: Annotated[
        bool, Meta(description="files and folders: at their own pace; false: as fast as the detector")
    ] = True

    @property
    def scheme(self) -> str:
        """What stands before the first colon of the URI; one of CAMERA_SCHEMES."""
        return self.uri.split(":", 1)[0]


class MqttSettings(_Settings, frozen=True, kw_only=True):
    """The MQTT broker. Leave the table out to publish nothing by MQTT."""

    host: Annotated[Host, Meta(description="name or address of the broker")] = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535, description="left out: 8883 with TLS, 1883 without")] | None = None
    username: Annotated[Text, Meta(description='"" for none; needs a password')] = ""
    password_file: Annotated[
        Text, Meta(description="file that holds the password; the systemd credential mqtt.password beats it")
    ] = ""
    password: (
        Annotated[Secret, Meta(description="only in a file that other users cannot read; password_file is better")]
        | None
    ) = None
    tls: Annotated[
        bool, Meta(description="encrypt, trusting the system's certificates; ca_file and cert_file switch it on too")
    ] = False
    ca_file: Annotated[Text, Meta(description="PEM file of the only authorities to trust")] = ""
    cert_file: Annotated[Text, Meta(description="PEM file of the client's certificate")] = ""
    key_file: Annotated[Text, Meta(description="PEM file of the client's key, without a passphrase")] = ""
    prefix: Annotated[Topic, Meta(description="first part of every topic")] = "edge_retinaface"
    qos: Annotated[Literal[0, 1], Meta(description="of detection messages and statistics")] = 1
    queue: Annotated[
        int, Meta(ge=1, le=100_000, description="messages kept while the broker is away; the oldest is dropped")
    ] = 256
    keepalive_s: Annotated[
        int, Meta(ge=1, le=3600, description="seconds of silence before the broker is asked whether it is there")
    ] = 30
    discovery: Annotated[
        OptionalTopic, Meta(description='topic prefix of Home Assistant\'s discovery; "" switches it off')
    ] = "homeassistant"

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or bool(self.ca_file or self.cert_file)

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port or (8883 if self.uses_tls else 1883)


class SocketSettings(_Settings, frozen=True, kw_only=True):
    """The local Unix socket."""

    path: Annotated[Text, Meta(description='where to listen, unless systemd passes a socket; "" for no socket')] = (
        "/run/edge-retinaface/edge-retinaface.sock"
    )
    queue: Annotated[
        int, Meta(ge=1, le=100_000, description="messages kept for a slow subscriber; the oldest is dropped")
    ] = 64


class StdoutSettings(_Settings, frozen=True, kw_only=True):
    """Messages on standard output, one JSON object a line."""

    enabled: Annotated[bool, Meta(description="write them")] = False


class Config(_Settings, frozen=True, kw_only=True):
    """The configuration of edge-retinaface."""

    device: Annotated[
        Name, Meta(description="this device's name in messages and topics; left out: the host's name")
    ] = field(default_factory=host_name)
    model: ModelSettings = ModelSettings()
    camera: Annotated[tuple[CameraSettings, ...], Meta(min_length=1, description="the cameras, a [[camera]] each")]
    mqtt: MqttSettings | None = None
    socket: SocketSettings = SocketSettings()
    stdout: StdoutSettings = StdoutSettings()
