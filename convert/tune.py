"""Weights and ranges that make up for rounding: a float network teaches an int8 file, without labels."""

from collections.abc import Collection, Mapping

from convert.backend import keras
from convert.distill.loop import distill
from convert.distill.plan import Plan
from convert.distill.rounded import RoundedNetwork
from convert.distill.scenes import Scene
from convert.graph import Graph
from convert.int8 import Range
from convert.network import Target, build_network
from convert.tflite import to_flatbuffer
from convert.weights import Weights

TUNING = Plan(steps=250, batch=8, view_hw=(192, 256), rate=3e-4, stretch=0.12, blended=0, scores=1, check_every=50)


def tune(
    graph: Graph,
    ranges: Mapping[int, Range],
    floats: Collection[int],
    weights: Weights,
    scenes: tuple[Scene, ...],
    plan: Plan,
    target: Target = "cpu",
    original: Weights | None = None,
) -> dict[int, Range]:
    """Better constants for the float `graph` of `weights`, in place, and better ranges, by tensor number.

    The teacher is `original`, a network of the same input, or what `weights` were before rounding.
    """
    small = Graph(to_flatbuffer(build_network(weights, plan.view_hw, target), "float32"))
    spans = {theirs: ranges[ours] for ours, theirs in zip(_activations(graph), _activations(small), strict=True)}
    student = RoundedNetwork(small, spans, floats)
    keras.backend.clear_session()
    teacher = build_network(original or weights, plan.view_hw, batch=plan.batch)
    centre = -ranges[graph.inputs[0]].low
    distill(teacher, student, scenes, (centre,) * 3, plan)
    return student.write(graph)


def _activations(graph: Graph) -> list[int]:
    return [graph.inputs[0], *(int(operator.outputs[0]) for operator in graph.operators)]
