"""The pictures the doctor shows to a model: faces in scenes, or the user's own."""

import itertools
from pathlib import Path

import numpy as np

from convert.calibrate import folder_pictures
from convert.sample_pictures import sample_scenes
from convert.streams import silence
from edge_retinaface.data import U8
from edge_retinaface.preprocess import letterbox
from edge_retinaface.spec import ModelSpec

SCENES = 6
MOST = 12  # of the user's own


def make_probes(spec: ModelSpec, folder: Path | None) -> tuple[U8, ...]:
    """Letterboxed pictures, uint8 (H, W, 3) in the channel order of `spec`, BGR by default."""
    source = folder_pictures(folder) if folder else sample_scenes(spec.input_hw, SCENES)
    probes = []
    with silence():  # PNG's own library finds fault with the samples' colour profiles
        for picture in itertools.islice(source, MOST):
            probe = np.empty((*spec.input_hw, 3), np.uint8)
            letterbox(picture, "BGR", spec, probe)
            probes.append(probe)
    return tuple(probes)
