"""The variant that is shipped, with what was measured on its card."""

import msgspec

from convert.make.limits import Limits
from convert.make.operating import LEAST_FACES
from convert.make.search import Outcome
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import Card, read_model


def shipped(outcome: Outcome, limits: Limits) -> tuple[bytes, Card]:
    """Flatbuffer and card of the chosen variant; ModelError if none may be shipped."""
    if outcome.chosen is None:
        raise _refusal(outcome, limits)
    made = read_model(outcome.looks[outcome.chosen.mode].path)
    accuracy = outcome.chosen.accuracy(outcome.reference, outcome.truth.remark)
    card = msgspec.structs.replace(made.card, accuracy=accuracy, threshold=outcome.chosen.threshold)
    return made.flatbuffer, card


def _refusal(outcome: Outcome, limits: Limits) -> ModelError:
    if limits.given:
        wanted = [
            f"{name} at most {limit:g}"
            for name, limit in (("AP drop", limits.ap_drop), ("landmark error", limits.landmark_error))
            if limit is not None
        ]
        return ModelError(f"wanted a variant with {' and '.join(wanted)}, found none: no model is written")
    (only,) = outcome.tried
    return ModelError(
        f"{only.mode}: wanted scores that tell faces from the rest, found them {only.verdict}: no model is written; "
        "try another --mode, or --max-ap-drop, which finds one"
    )


def unjudged(outcome: Outcome) -> str:
    """What could not be looked at, in words; "" if all could."""
    faces = outcome.reference.agreement.reference
    if faces >= LEAST_FACES:
        return ""
    return f"the float network finds {faces} faces on what it was shown, so no threshold is on the card"
