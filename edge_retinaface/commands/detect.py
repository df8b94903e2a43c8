"""`edge-retinaface detect`: faces in pictures, folders and videos."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from edge_retinaface.cameras import quiet_opencv
from edge_retinaface.commands.paths import as_path
from edge_retinaface.commands.sinks import Sinks
from edge_retinaface.data import MOST_THREADS, Detections
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import ImageError, UsageError
from edge_retinaface.media import Medium, find_media, read_medium
from edge_retinaface.message import SCHEMA, encode, faces_of
from edge_retinaface.tiles import TiledRetinaFace, parse_grid

ModelOption = Annotated[
    Path | None, typer.Option(parser=as_path, help="Model file [default: the one that came with the package].")
]
ThreadsOption = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Threads of the interpreter.")]


def detect(
    inputs: Annotated[
        list[Path], typer.Argument(parser=as_path, help="Pictures, videos, folders of them.", show_default=False)
    ],
    model: ModelOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least score of a face, 0 to 1 [default: the model's own].")
    ] = None,
    max_iou: Annotated[float, typer.Option(help="Most overlap of two faces, 0 to 1.")] = 0.4,
    threads: ThreadsOption = 1,
    tiles: Annotated[
        str, typer.Option(metavar="ROWSxCOLUMNS", help="Look at so many overlapping tiles as well, for small faces.")
    ] = "1x1",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a picture.")] = False,
    draw: Annotated[
        Path | None, typer.Option(parser=as_path, help="Folder for copies with the faces drawn on them.")
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(parser=as_path, help="Folder for aligned 112x112 crops of the faces.")
    ] = None,
    blur: Annotated[Path | None, typer.Option(parser=as_path, help="Folder for copies with the faces blurred.")] = None,
) -> None:
    """Find faces. A picture that cannot be read is reported and the others are still done."""
    for name, value in (("--threshold", threshold), ("--max-iou", max_iou)):
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"{name}: wanted a number from 0 to 1, found {value}")
    grid = parse_grid("--tiles", tiles)
    detector = TiledRetinaFace(model, grid=grid, min_score=threshold, max_iou=max_iou, threads=threads)
    quiet_opencv()
    report = _report_json if as_json else _report_text
    media = list(find_media(inputs))
    if not media:
        raise ImageError(f"wanted pictures or videos, found none below {', '.join(map(str, inputs))}")
    sinks = Sinks(draw=draw, crops=crops, blur=blur)
    exit_code = 0
    for medium in _with_progress(media):
        try:
            _detect_one(detector, medium, sinks, report)
        except ImageError as error:
            typer.echo(f"edge-retinaface: {error}", err=True)
            exit_code = exit_code or error.exit_code
    raise typer.Exit(exit_code)


def _detect_one(detector: RetinaFace, medium: Medium, sinks: Sinks, report: Callable[..., str]) -> None:
    with sinks.open(medium) as sink:
        for index, pixels in enumerate(read_medium(medium)):
            detections = detector(pixels)
            sink.write(pixels, detections, index)
            height, width = pixels.shape[:2]
            where = {"image": str(medium.path)} | ({"frame": index} if medium.is_video else {})
            typer.echo(report(where | {"width": width, "height": height, "model": detector.model_name}, detections))


def _report_json(where: dict[str, object], detections: Detections) -> str:
    return encode({"schema": SCHEMA, **where, "faces": faces_of(detections)}).decode()


def _report_text(where: dict[str, object], detections: Detections) -> str:
    count = f"{len(detections)} face{'' if len(detections) == 1 else 's'}"
    place = f"{where['image']}" + (f" frame {where['frame']}" if "frame" in where else "")
    lines = [f"{place}: {count}"]
    for box, score, _ in detections:
        x1, y1, x2, y2 = (round(float(side)) for side in box)
        lines.append(f"  {score:.3f}  {x1},{y1} to {x2},{y2}")
    return "\n".join(lines)


def _with_progress(media: list[Medium]) -> Iterator[Medium]:
    """The media, with a bar on stderr where that is a terminal and results go elsewhere."""
    show = len(media) > 1 and sys.stderr.isatty() and not sys.stdout.isatty()
    yield from track(media, "Pictures", console=Console(stderr=True), transient=True, disable=not show)
