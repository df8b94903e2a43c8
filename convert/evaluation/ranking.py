"""Precision and recall: every detection of a data set in one list, best first, and where to read it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.evaluation.boxes import best_faces
from convert.evaluation.dataset import F64, Flags, Picture
from edge_retinaface.data import Detections

WIDER_THRESHOLDS = 1000
DRAWN_POINTS = 500
WIDER_PIXEL = 1.0  # the toolkit's boxoverlap.m counts the last pixel in


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision over recall; row i of every array is one threshold, descending."""

    thresholds: F64  # float64 (k,), of the scores as the protocol sees them
    recall: F64  # float64 (k,)
    precision: F64  # float64 (k,), 1 where nothing is detected yet

    def average_precision(self) -> float:
        """Area under the precision envelope, every step of recall (PASCAL VOC 2010 and later, WIDER FACE)."""
        recall = np.concatenate(([0.0], self.recall))
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.diff(recall) @ envelope)

    def thinned(self) -> "Curve":
        """At most `DRAWN_POINTS` of the points where recall rises: between them only precision falls."""
        steps = np.flatnonzero(np.diff(self.recall, prepend=-1.0))
        rows = steps[np.unique(np.linspace(0, len(steps) - 1, min(DRAWN_POINTS, len(steps))).astype(np.intp))]
        return Curve(self.thresholds[rows], self.recall[rows], self.precision[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The detections that count, best first; row i of the first three arrays is one detection."""

    picture: NDArray[np.intp]  # its place in the data set
    found: Flags  # the first to find a face that counts; else a false alarm
    scores: F64
    ends: NDArray[np.intp]  # (k,): how many detections reach each threshold
    thresholds: F64  # (k,), descending
    faces: NDArray[np.intp]  # (pictures,): faces that count

    def curve(self, times: NDArray[np.intp] | None = None) -> Curve:
        """The curve of the data set in which picture i occurs `times[i]` times: once, unless resampled."""
        weight = np.ones(len(self.faces), np.intp) if times is None else times
        of_detection = weight[self.picture]
        detected = np.concatenate(([0], np.cumsum(of_detection)))[self.ends]
        found = np.concatenate(([0], np.cumsum(of_detection * self.found)))[self.ends]
        faces = int(weight @ self.faces)
        return Curve(
            self.thresholds, found / max(faces, 1), np.where(detected > 0, found / np.maximum(detected, 1), 1.0)
        )

    def average_precision(self, times: NDArray[np.intp] | None = None) -> float:
        """Of `curve`."""
        return self.curve(times).average_precision()


def wider_ranking(pictures: Sequence[Picture], predictions: Sequence[Detections], setting: str) -> Ranking:
    """The official WIDER FACE protocol (Yang et al., 2016; eval_tools of the data set's site).

    Scores are stretched to 0..1 over all pictures together, the curve is read at 1,000 thresholds 0.999 … 0, widths
    count the last pixel in, and a picture without a single annotated face counts no false alarm.
    """
    picture, found, scores = _judge(pictures, predictions, setting, WIDER_PIXEL, skip_faceless=True)
    everything = np.concatenate([np.empty(0), *(detections.scores for detections in predictions)])
    low, high = (everything.min(), everything.max()) if len(everything) else (0.0, 1.0)
    scores = (scores - low) / (high - low) if high > low else np.ones_like(scores)
    thresholds = 1 - np.arange(1, WIDER_THRESHOLDS + 1) / WIDER_THRESHOLDS
    return _ranked(pictures, setting, picture, found, scores, thresholds)


def plain_ranking(pictures: Sequence[Picture], predictions: Sequence[Detections], setting: str) -> Ranking:
    """Average precision at IoU 0.5 as PASCAL VOC 2010 has it: read at every score; equal scores come in together."""
    picture, found, scores = _judge(pictures, predictions, setting, 0.0, skip_faceless=False)
    return _ranked(pictures, setting, picture, found, scores, np.unique(scores)[::-1])


def _judge(
    pictures: Sequence[Picture],
    predictions: Sequence[Detections],
    setting: str,
    pixel: float,
    *,
    skip_faceless: bool,
) -> tuple[NDArray[np.intp], Flags, F64]:
    """Picture, found and score of every detection that is not about an ignored face, picture after picture."""
    places, founds, scores = [np.empty(0, np.intp)], [np.empty(0, np.bool_)], [np.empty(0)]
    for place, (picture, detections) in enumerate(zip(pictures, predictions, strict=True)):
        if skip_faceless and not len(picture.boxes):
            continue
        order = np.argsort(-detections.scores, kind="stable")
        face = best_faces(detections.boxes[order].astype(np.float64), picture.boxes, pixel)
        counts = np.append(picture.counts[setting], True)[
            face
        ]  # the last row, which is -1: about no face, so it counts
        found = np.zeros(len(face), np.bool_)
        found[np.unique(face, return_index=True)[1]] = True
        found &= face >= 0
        places.append(np.full(counts.sum(), place, np.intp))
        founds.append(found[counts])
        scores.append(detections.scores[order][counts].astype(np.float64))
    return np.concatenate(places), np.concatenate(founds), np.concatenate(scores)


def _ranked(
    pictures: Sequence[Picture],
    setting: str,
    picture: NDArray[np.intp],
    found: Flags,
    scores: F64,
    thresholds: F64,
) -> Ranking:
    order = np.argsort(-scores, kind="stable")
    ends = np.searchsorted(-scores[order], -thresholds, side="right")
    faces = np.array([entry.counts[setting].sum() for entry in pictures], np.intp)
    return Ranking(picture[order], found[order], scores[order], ends, thresholds, faces)
