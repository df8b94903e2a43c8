"""What works and what does not: everything that `run` needs, tried once."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_retinaface.checks.broker import check_broker
from edge_retinaface.checks.cameras import check_cameras, running_cameras
from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.checks.model import check_model, running_model
from edge_retinaface.checks.service import check_service, running_publishers
from edge_retinaface.config import Config, load_config
from edge_retinaface.data import Frame
from edge_retinaface.errors import ConfigError
from edge_retinaface.message import Now, encode_message
from edge_retinaface.service.parts import open_detector

__all__ = ["Finding", "run_checks"]


def run_checks(path: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """One finding after the other, as they are made. Where the service runs, it is asked and nothing is disturbed."""
    try:
        config = load_config(path, environ)
    except ConfigError as error:
        yield failed("config", error, "edge-retinaface show-config --schema describes every key")
        return
    yield Finding("config", ok=True, found=f"{path}: {len(config.camera)} camera(s)")
    service, stats = check_service(config.socket.path)
    yield service
    model = running_model(config.model, stats) if stats and config.model.delegate else check_model(config.model)
    yield model
    if stats is not None:
        yield from running_cameras(config.camera, stats)
        yield from running_publishers(stats)
        return
    frames: dict[str, Frame] = {}
    yield from check_cameras(config.camera, frames)
    if config.mqtt is not None:
        yield from check_broker(config, config.mqtt, _messages(config, frames) if model.ok else {})


def _messages(config: Config, frames: dict[str, Frame]) -> dict[str, bytes]:
    """By camera the message of the one frame that it gave: the broker is tried with what is true."""
    detector = open_detector(config.model)
    return {
        camera: encode_message(
            frame,
            detector.detect(frame),
            device=config.device,
            camera=camera,
            model=detector.model_name,
            now=Now.read(),
        )
        for camera, frame in frames.items()
    }
