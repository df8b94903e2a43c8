"""The TFLite interpreter. The only module that knows the packages it may come from."""

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any, Literal

import numpy as np

from edge_retinaface.data import U8, ChannelOrder, Letterbox, LevelOutputs, QuantizedTensor, RawOutputs
from edge_retinaface.delegates import EDGETPU_OPERATOR, is_for_edgetpu, load_library, parse_delegate
from edge_retinaface.errors import UNAVAILABLE, DelegateError, ModelError
from edge_retinaface.model_file import ModelFile, Output
from edge_retinaface.preprocess import InputWriter
from edge_retinaface.spec import ANCHORS_PER_CELL

Package = Literal["", "litert", "tflite-runtime"]
PACKAGES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
VALUES_PER_ANCHOR = {"boxes": 4, "scores": 1, "landmarks": 10}
GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class Interpreter:
    """One loaded model. `package` "" takes LiteRT, or tflite-runtime where only that is installed."""

    def __init__(self, model: ModelFile, *, threads: int = 1, delegate: str = "", package: Package = "") -> None:
        self._model = model
        library = load_package(package)
        options: dict[str, Any] = {"model_content": model.flatbuffer, "num_threads": threads}
        if delegate:
            options["experimental_delegates"] = [_load_delegate(library, delegate)]
        try:
            # a delegate may end the process with its last words on stderr, so they are held back for none but our own
            with nullcontext() if delegate else without_greeting():
                self._interpreter = library.Interpreter(**options)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            if not delegate and is_for_edgetpu(model.flatbuffer):
                reason = 'compiled for the Edge TPU, found no delegate: [model] delegate = "edgetpu"'
                raise ModelError(f"{model.path}: wanted a delegate, as it is {reason}") from error
            raise ModelError(f"{model.path}: the interpreter refuses it: {_first_line(error)}") from error
        self._input = self._check_input()
        self._writer = InputWriter(model.card.spec)
        self._outputs = self._check_outputs()

    def fill(self, pixels: U8, order: ChannelOrder, full_hw: tuple[int, int] | None = None) -> Letterbox:
        """Letterbox a picture, uint8 (height, width, 3), into the input; `full_hw` as InputWriter has it."""
        return self._writer.write(pixels, order, self._input()[0], full_hw)

    def invoke(self) -> RawOutputs:
        """Run the network. The arrays are views into the interpreter: drop them before the next call."""
        self._interpreter.invoke()
        return tuple(
            LevelOutputs(*(QuantizedTensor(view(), scale, zero_point) for view, scale, zero_point in level))
            for level in self._outputs
        )

    def operators(self) -> tuple[int, dict[str, int]]:
        """How many parts of the network a delegate runs, and the operators outside of them by name.

        Found by walking back from the outputs: the interpreter still lists the operators that a delegate replaced.
        """
        details = self._interpreter._get_ops_details()  # noqa: SLF001 - neither package tells it otherwise
        makers = {int(tensor): one for one in details for tensor in one["outputs"]}  # delegates come last, and so win
        wanted = [int(one["index"]) for one in self._interpreter.get_output_details()]
        used: dict[int, str] = {}
        while wanted:
            maker = makers.get(wanted.pop())
            if maker is not None and maker["index"] not in used:
                used[maker["index"]] = maker["op_name"]
                wanted += map(int, maker["inputs"])
        counts = Counter(used.values())
        return counts.pop("DELEGATE", 0), dict(sorted(counts.items()))

    def edgetpu_operators(self) -> tuple[int, dict[str, int]]:
        """How many operators edgetpu_compiler left for the Edge TPU, each a part of the network; the others by name."""
        details = self._interpreter._get_ops_details()  # noqa: SLF001 - as above
        counts = Counter(one["op_name"] for one in details if one["op_name"] != "DELEGATE")
        return counts.pop(EDGETPU_OPERATOR.decode(), 0), dict(sorted(counts.items()))

    def _check_input(self) -> Callable[[], Any]:
        """A maker of views of the input tensor."""
        spec = self._model.card.spec
        details = self._interpreter.get_input_details()
        shape = (1, *spec.input_hw, 3)
        if len(details) != 1 or tuple(details[0]["shape"]) != shape:
            found = ", ".join(str(tuple(int(side) for side in one["shape"])) for one in details)
            raise ModelError(f"{self._model.path}: wanted one input of shape {shape} as its card says, found {found}")
        tensor: Callable[[], Any] = self._interpreter.tensor(details[0]["index"])
        if details[0]["dtype"] == np.float32:
            return tensor
        wanted = (1.0, spec.centre - 128)
        if details[0]["dtype"] != np.int8 or details[0]["quantization"] != wanted:
            raise ModelError(
                f"{self._model.path}: wanted an int8 input with scale and zero point {wanted}, "
                f"found {details[0]['dtype'].__name__} with {details[0]['quantization']}"
            )
        return tensor

    def _check_outputs(self) -> tuple[tuple[tuple[Callable[[], Any], float, int], ...], ...]:
        """For each level boxes, scores and landmarks, each a maker of views with scale and zero point."""
        by_name = {one["name"]: one for one in self._interpreter.get_output_details()}
        by_kind = {(output.stride, output.kind): output for output in self._model.card.outputs}
        levels = []
        for stride in self._model.card.spec.strides:
            level = []
            for kind in ("boxes", "scores", "landmarks"):
                output = by_kind.get((stride, kind))
                if output is None or output.name not in by_name:
                    wanted = output.name if output else f"{kind} at stride {stride}"
                    raise ModelError(
                        f"{self._model.path}: wanted an output {wanted}, found {', '.join(sorted(by_name))}"
                    )
                level.append(self._check_output(output, by_name[output.name]))
            levels.append(tuple(level))
        return tuple(levels)

    def _check_output(self, output: Output, details: dict[str, Any]) -> tuple[Callable[[], Any], float, int]:
        rows, columns = self._model.card.spec.level_hw(output.stride)
        wanted = rows * columns * ANCHORS_PER_CELL * VALUES_PER_ANCHOR[output.kind]
        found = int(np.prod(details["shape"]))
        if found != wanted:
            raise ModelError(f"{self._model.path}: wanted {wanted} values in output {output.name}, found {found}")
        scale, zero_point = (1.0, 0) if details["dtype"] == np.float32 else details["quantization"]
        return self._interpreter.tensor(details["index"]), float(scale), int(zero_point)


@contextmanager
def without_greeting() -> Iterator[None]:
    """Leave out the line that LiteRT writes to stderr at every start, without a switch; all else follows at the end."""
    try:
        stderr = os.dup(2)
    except OSError:  # closed
        yield
        return
    with os.fdopen(os.memfd_create("stderr"), "w+b") as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            held.seek(0)
            os.write(stderr, b"".join(line for line in held if line.rstrip() != GREETING))
            os.close(stderr)


def load_package(package: Package) -> ModuleType:
    """The interpreter package of this name, for "" the first that is installed; ModelError if none is."""
    for name in [package] if package else list(PACKAGES):
        try:
            return importlib.import_module(PACKAGES[name])
        except ModuleNotFoundError:
            continue
    wanted = package or " or ".join(PACKAGES)
    install = f"pip install {wanted.split()[0]}"
    raise ModelError(f"wanted the interpreter package {wanted}, found none installed: {install}", exit_code=UNAVAILABLE)


def _load_delegate(library: ModuleType, delegate: str) -> Any:  # noqa: ANN401 - the packages have no types
    wanted = parse_delegate(delegate)
    load_library(wanted)  # first by itself: a Delegate that fails half-made complains again when it is collected
    try:
        return library.load_delegate(wanted.library, wanted.options)
    except (OSError, ValueError) as error:
        device = f" for device {wanted.options['device']}" if wanted.options else ""
        reason = "no device, or the wrong version"
        raise DelegateError(f"{wanted.library}: the delegate refuses to start{device}: {reason}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
