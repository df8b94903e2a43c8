"""From weights to a model file: passes over the weights, the converter, passes over the flatbuffer, the card."""

import datetime as dt

from convert.backend import keras
from convert.calibrate import Pictures, measure_ranges
from convert.distill.plan import Plan
from convert.distill.scenes import Scene, find_scenes
from convert.equalize import equalize
from convert.graph import CONVOLUTIONS, Graph
from convert.int8 import quantize_graph, round_convolutions
from convert.layout import STRIDES, VALUES, head_name
from convert.network import Target, build_network
from convert.observe import observe
from convert.pairs import pair_first_convolution
from convert.ranges import choose_ranges
from convert.tflite import Mode, tensor_quantization, to_flatbuffer
from convert.tune import tune
from convert.weights import Weights, centre_input
from edge_retinaface import __version__, model_file
from edge_retinaface.errors import ImageError, ModelError
from edge_retinaface.spec import ModelSpec, check_input_hw

EARLY = 11  # convolutions: int8 loses as much in these as in all others, which hold nine tenths of the arithmetic
CALIBRATED = ("int8", "mixed")
INT8_ZERO = -128  # the int8 value of camera byte 0


def make_spec(weights: Weights, input_hw: tuple[int, int]) -> ModelSpec:
    """The numbers a device needs for these weights at this size; ModelError for a size the network has not."""
    check_input_hw(input_hw)
    return ModelSpec(input_hw=input_hw, mean=weights.family.mean, anchor_sizes=weights.family.anchor_sizes)


def quantize(
    weights: Weights,
    spec: ModelSpec,
    mode: Mode,
    pictures: Pictures | None = None,
    target: Target = "cpu",
    tuning: Plan | None = None,
    original: Weights | None = None,
) -> bytes:
    """A TFLite flatbuffer; `pictures` calibrate int8, and train it where there is a plan for `tuning`.

    The input is pixel - spec.centre in every mode. `original` are the weights that compressed ones came from: int8 then
    learns from them, and so makes up for a little of what compression lost as well.
    """
    centred = centre_input(weights, spec.centre)
    if target == "edgetpu" and mode == "mixed":
        raise ModelError("edgetpu: wanted an int8 file, found mode mixed: the Edge TPU has no float")
    if mode in ("float32", "float16", "dynamic_range"):
        return to_flatbuffer(build_network(centred, spec.input_hw, target), mode)
    if pictures is None:
        raise ModelError(f"{mode}: wanted calibration pictures, found none")
    reaches = measure_ranges(build_network(centred, spec.input_hw), pictures)
    keras.backend.clear_session()
    equal = equalize(centred, reaches)
    graph = Graph(to_flatbuffer(build_network(equal, spec.input_hw, target), "float32"))
    floats = _early(graph) if mode == "mixed" else range(0)
    ranges = choose_ranges(graph, observe(graph, pictures), spec.centre)
    if tuning:
        teacher = original and centre_input(original, spec.centre)
        ranges = tune(graph, ranges, floats, equal, _scenes(weights, pictures), tuning, target, teacher)
    quantize_graph(graph, ranges, round_convolutions(graph), floats)
    if target == "cpu":
        pair_first_convolution(graph)  # the same network, quicker in XNNPACK: last, so that no other pass has to know
    flatbuffer = graph.pack()
    _check_input(flatbuffer, spec)
    return flatbuffer


def _scenes(weights: Weights, pictures: Pictures) -> tuple[Scene, ...]:
    try:
        return find_scenes(weights, pictures.tensors)
    except ImageError as error:
        raise ModelError(f"{error}; --no-tune does without") from error


def _early(graph: Graph) -> range:
    """Operators of the first convolutions, without the very first: it reads the picture, which is large in float."""
    places = [number for number, operator in enumerate(graph.operators) if graph.kind(operator) in CONVOLUTIONS]
    return range(places[0] + 1, places[EARLY])


def make_card(
    weights: Weights, spec: ModelSpec, mode: Mode, pictures: Pictures | None, target: Target = "cpu"
) -> model_file.Card:
    """The card of a file that `quantize` made; nothing measured is on it yet."""
    outputs = tuple(
        model_file.Output(name=head_name(kind, stride), kind=kind, stride=stride, meaning="logit_difference")
        for stride in STRIDES
        for kind in VALUES
    )
    quantization = model_file.Quantization(
        mode=mode,
        granularity="per_channel" if mode in ("int8", "mixed", "dynamic_range") else "none",
        images=len(pictures.tensors) if pictures and mode in CALIBRATED else 0,
        digest=pictures.digest if pictures and mode in CALIBRATED else "",
    )
    height, width = spec.input_hw
    return model_file.Card(
        name=f"mnet025-{height}x{width}-{mode}" + ("-edgetpu" if target == "edgetpu" else ""),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        converter=__version__,
        spec=spec,
        outputs=outputs,
        quantization=quantization,
        weights=weights.source,
    )


def _check_input(flatbuffer: bytes, spec: ModelSpec) -> None:
    """The input must be such that a camera byte becomes a tensor byte by flipping its top bit."""
    found = tensor_quantization(flatbuffer)["image"]
    wanted = (1.0, INT8_ZERO + spec.centre)
    if found != wanted:
        raise ModelError(f"int8 input: wanted scale and zero point {wanted}, found {found}")
