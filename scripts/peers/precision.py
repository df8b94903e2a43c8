"""Average precision of every entrant, kept in the cache: it does not depend on the machine's other work."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from entrants import CACHE, ENVIRONMENTS, ROOT, Entrant, say
from workers import detections, running

from edge_retinaface.images import read_image

SETTINGS = ("easy", "medium", "hard")
CODE = ("anchors", "decode", "nms", "preprocess")  # of ours, what boxes depend on


def precision(entrant: Entrant, data: Any) -> list[float] | None:
    """AP on easy, medium and hard faces, 0..1; None for an entrant that cannot be had."""
    kept = CACHE / "precision" / f"{_key(entrant, data)}.json"
    if not kept.is_file():
        found = _measure(entrant, data)
        if found is None:
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
    aps: list[float] = json.loads(kept.read_text())
    return aps


def _measure(entrant: Entrant, data: Any) -> list[float] | None:
    from convert.evaluation.ranking import wider_ranking

    with running(entrant, 1) as worker, tempfile.TemporaryDirectory() as folder:
        if worker is None:
            return None
        decoded, faces = Path(folder) / "picture.npy", []
        for picture in data.pictures:
            np.save(decoded, read_image(picture.path))
            faces.append(detections(worker.ask(decoded)))
    aps = [float(wider_ranking(data.pictures, faces, setting).average_precision()) for setting in SETTINGS]
    say(f"{entrant.name} {entrant.size}: AP " + " / ".join(f"{100 * one:.1f}" for one in aps))
    return aps


def _key(entrant: Entrant, data: Any) -> str:
    """Of all that the figures depend on: settings, versions, the model's bytes, our code, the pictures."""
    digest = hashlib.sha256()
    settings = {name: value for name, value in entrant.settings.items() if name != "threads"}
    digest.update(json.dumps([settings, ENVIRONMENTS.get(entrant.environment)]).encode())
    digest.update("\n".join(str(picture.path) for picture in data.pictures).encode())
    code = [ROOT / "edge_retinaface" / f"{name}.py" for name in CODE]
    models = [Path(settings[name]) for name in ("model", "param") if name in settings]
    for path in [*code, Path(__file__).with_name("detectors.py"), *models]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]
