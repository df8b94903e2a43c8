"""A whole bench: every model with every number of threads, in turns, so that all see the same disturbances."""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edge_retinaface import __version__
from edge_retinaface.bench import machine
from edge_retinaface.bench.corridor import (
    BLOCK,
    STAGES,
    WHOLE,
    Corridor,
    Series,
    Yardstick,
    blocks,
    subscribed_publisher,
    times,
)
from edge_retinaface.bench.records import Bench, Machine, Run
from edge_retinaface.bench.start import cold_start
from edge_retinaface.bench.throughput import service_throughput
from edge_retinaface.detector import RetinaFace
from edge_retinaface.media import Medium
from edge_retinaface.service.board import Board

WARM_UP = 3
STARTS = 5
MOST_SPREAD = 1.25  # p95 over p50 of the yardstick; above it something else was running


class Entrant(NamedTuple):
    """A model to measure, with what was measured of it."""

    path: Path
    threads: int
    detector: RetinaFace
    corridor: Corridor
    series: Series
    start: tuple[tuple[float, ...], float]  # see cold_start
    service: tuple[float, float]  # see service_throughput


def bench(
    models: list[Path],
    threads: list[int],
    medium: Medium,
    *,
    rounds: int,
    min_score: float,
    delegate: str = "",
    watch: Callable[[range], Iterable[int]] = lambda rounds: rounds,
) -> Bench:
    """Measure; `rounds` frames each, rounded up to whole blocks. `watch` may show how far it is."""
    warnings, board = machine.complaints(), Board()
    warmth = [board.temperature_c()]
    cv2.setNumThreads(1)  # what a stage takes must not depend on who else uses OpenCV's threads
    rounds = -(-rounds // BLOCK) * BLOCK
    stick = Yardstick()
    pairs = [(path, number) for path in models for number in threads]
    # first: once this process has an accelerator no other one gets it
    starts = {pair: cold_start(*pair, delegate, STARTS) for pair in pairs}
    services = {
        pair: service_throughput(*pair, delegate, medium.path) if medium.is_video else (0.0, 0.0) for pair in pairs
    }
    with subscribed_publisher() as publisher:
        entrants = [
            Entrant(
                path,
                number,
                RetinaFace(path, threads=number, min_score=min_score, delegate=delegate),
                Corridor(medium, publisher),
                {},
                starts[path, number],
                services[path, number],
            )
            for path, number in pairs
        ]
        for entrant in entrants:
            for _ in range(WARM_UP):
                entrant.corridor.round(entrant.detector, {})
            entrant.corridor.faces.clear()
        for _ in watch(range(rounds)):
            for entrant in entrants:
                stick.measure(entrant.series)
                entrant.corridor.round(entrant.detector, entrant.series)
    spread = np.percentile([one for entrant in entrants for one in entrant.series["yardstick"]], [50, 95])
    if spread[1] > MOST_SPREAD * spread[0]:
        warnings.append(
            f"noisy: fixed work took up to {spread[1] / spread[0]:.1f} times its median: compare ratios only"
        )
    warmth.append(board.temperature_c())
    runs = tuple(_run(entrant, delegate) for entrant in entrants)
    warnings += [one for one in machine.complaints() if one.startswith("throttled") and one not in warnings]
    return Bench(
        version=__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=" ".join(["edge-retinaface", *sys.argv[1:]]),
        machine=Machine(
            processor=machine.processor(),
            cores=machine.cores(),
            system=machine.system(),
            versions=machine.versions(),
            warnings=tuple(warnings),
            temperature_c=tuple(one for one in warmth if one is not None),
        ),
        runs=runs,
    )


def _run(entrant: Entrant, delegate: str) -> Run:
    start_ms, memory_mib = entrant.start
    series = {stage: np.array(values) for stage, values in entrant.series.items()}
    partitions, fallback = entrant.detector.operators()
    parts = sum(series[stage] for stage in STAGES)
    return Run(
        model=entrant.detector.model_name,
        threads=entrant.threads,
        input_hw=entrant.detector.input_hw,
        frame_hw=entrant.corridor.frame_hw,
        frames=len(series[WHOLE]),
        faces=round(float(np.mean(entrant.corridor.faces)), 2),
        stages=times(entrant.series),
        accounted=round(float(np.median(parts / series[WHOLE])), 4),
        over_invoke=round(float(np.median(series["detect"] / series["invoke"])), 4),
        fps=round(len(series[WHOLE]) / float(series[WHOLE].sum() * 1e-9), 2),
        blocks=blocks(entrant.series, waits=bool(delegate)),
        partitions=partitions,
        fallback=fallback,
        delegate=delegate,
        edgetpu=entrant.detector.edgetpu_operators()[0],
        start_ms=start_ms,
        memory_mib=memory_mib,
        service_fps=entrant.service[0],
        service_mib=entrant.service[1],
    )
