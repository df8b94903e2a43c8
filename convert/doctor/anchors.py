"""Whether boxes come out right with the anchors and variances on the card."""

from collections.abc import Iterator

import numpy as np

from convert.doctor.arrangement import Columns
from convert.doctor.faces import decode_rows, overlaps, probe_rows
from convert.doctor.finding import Finding
from convert.doctor.standard import Standard
from convert.layout import STRIDES
from edge_retinaface.spec import ModelSpec

NEIGHBOURS = 4  # so many other anchors see most faces too
AS_GOOD = 0.02  # of IoU


def check_anchors(standard: Standard, claimed: ModelSpec) -> Iterator[Finding]:
    """Findings about a card's anchors and variances, told by how well anchors that see the same face agree on its box.

    Anchors that differ from the ones these weights are known for are no mistake if they agree as well.
    """
    known = standard.reference.spec
    anchors_differ = _by_stride(claimed) != _by_stride(known)
    if not anchors_differ and claimed.variances == known.variances:
        return
    if set(claimed.strides) != set(known.strides):
        yield Finding(
            "wrong_anchors", f"strides {_list(claimed.strides)} on the card, the network has {_list(STRIDES)}"
        )
        return
    theirs, ours = agreement(standard, claimed), agreement(standard, known)
    if theirs > ours - AS_GOOD:
        return
    seen = f"anchors that see the same face agree to an IoU of {theirs:.2f} as the card has them, of {ours:.2f} with"
    if anchors_differ:
        sizes, wanted = (" ".join(map(_list, spec.anchor_sizes)) for spec in (claimed, known))
        yield Finding("wrong_anchors", f"sizes {sizes} on the card; {seen} {wanted} at strides {_list(known.strides)}")
    else:
        yield Finding("wrong_variances", f"{_list(claimed.variances)} on the card; {seen} {_list(known.variances)}")


def agreement(standard: Standard, spec: ModelSpec) -> float:
    """Mean IoU of the boxes that see a face with their nearest few others, 0..1, decoded by `spec`."""
    found = []
    for rows in probe_rows(Columns(*standard.right), standard):
        boxes, _ = decode_rows(rows, standard, spec, "logit_difference")
        if len(boxes) > NEIGHBOURS:
            shared = overlaps(boxes, boxes)
            np.fill_diagonal(shared, 0)
            found.append(np.sort(shared, axis=1)[:, -NEIGHBOURS:].mean(axis=1))
    return float(np.concatenate(found).mean()) if found else 0.0


def _by_stride(spec: ModelSpec) -> dict[int, tuple[int, int]]:
    return dict(zip(spec.strides, spec.anchor_sizes, strict=False))


def _list(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
