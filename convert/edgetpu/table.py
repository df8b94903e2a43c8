"""What the Edge TPU has, as data: operations, since which runtime, under which restrictions.

After Coral's table for compiler 16.0 and runtime 14 (the copy for the ARTPEC-7, which is the same chip), its release
notes, and what public pairs of models before and after the compiler show. An operation that is not here runs on the
processor.
"""

from typing import NamedTuple

from convert.edgetpu import limits
from convert.edgetpu.limits import Limit

COMPILER = "16.0"
RUNTIME = 14


class Rule(NamedTuple):
    """One operation of the Edge TPU."""

    runtime: int  # first Edge TPU runtime that has it
    limits: tuple[Limit, ...] = ()
    constants: tuple[int, ...] = ()  # inputs that must be compile-time constants
    settings: tuple[int, ...] = ()  # those of them that are sizes, axes and the like: whole numbers, never quantized
    unsure: str = ""  # what the table does not tell


ANY = 10  # the oldest runtime the compiler can aim at
SIZE = "depends on its size, and no one says at which"

TABLE = {
    "ADD": Rule(ANY),
    "AVERAGE_POOL_2D": Rule(ANY, (limits.no_fused_activation,)),
    "CONCATENATION": Rule(ANY, (limits.no_fused_activation, limits.zeros_only)),
    "CONV_2D": Rule(ANY, (limits.same_dilation,), constants=(1, 2)),
    "DEPTHWISE_CONV_2D": Rule(ANY, (limits.same_dilation,), constants=(1, 2)),
    "EXPAND_DIMS": Rule(13, constants=(1,), settings=(1,)),
    "FULLY_CONNECTED": Rule(ANY, (limits.default_weights, limits.one_dimensional), constants=(1, 2)),
    "L2_NORMALIZATION": Rule(ANY),
    "LOGISTIC": Rule(ANY),
    "MAXIMUM": Rule(ANY),
    "MAX_POOL_2D": Rule(ANY, (limits.no_fused_activation,)),
    "MEAN": Rule(
        ANY, (limits.reduces_no_batch, limits.mean_axes), constants=(1,), settings=(1,), unsure="large pictures fail"
    ),
    "MINIMUM": Rule(ANY),
    "MUL": Rule(ANY),
    "PACK": Rule(13, (limits.packs_no_batch,)),
    "PAD": Rule(ANY, (limits.pads_no_batch,), constants=(1,), settings=(1,)),
    "PRELU": Rule(13, (limits.alpha_of_channels,), constants=(1,)),
    "QUANTIZE": Rule(13),
    "REDUCE_MAX": Rule(14, (limits.reduces_no_batch,), constants=(1,), settings=(1,)),
    "REDUCE_MIN": Rule(14, (limits.reduces_no_batch,), constants=(1,), settings=(1,)),
    "RELU": Rule(ANY),
    "RELU6": Rule(ANY),
    "RELU_N1_TO_1": Rule(ANY),
    "RESHAPE": Rule(ANY, (limits.fits,), constants=(1,), settings=(1,), unsure=SIZE),
    "RESIZE_BILINEAR": Rule(ANY, (limits.precise, limits.fits), constants=(1,), settings=(1,), unsure=SIZE),
    "RESIZE_NEAREST_NEIGHBOR": Rule(ANY, (limits.fits,), constants=(1,), settings=(1,), unsure=SIZE),
    "RSQRT": Rule(14),
    "SLICE": Rule(ANY, constants=(1, 2), settings=(1, 2)),
    "SOFTMAX": Rule(ANY, (limits.one_dimensional, limits.softmax_size)),
    "SPACE_TO_DEPTH": Rule(ANY),
    "SPLIT": Rule(ANY, (limits.splits_no_batch,), constants=(0,), settings=(0,)),
    "SQUARED_DIFFERENCE": Rule(14),
    "SQUEEZE": Rule(ANY),
    "STRIDED_SLICE": Rule(ANY, (limits.unit_strides,), constants=(1, 2, 3), settings=(1, 2, 3)),
    "SUB": Rule(ANY),
    "SUM": Rule(13, (limits.reduces_no_batch,), constants=(1,), settings=(1,)),
    "TANH": Rule(ANY),
    "TILE": Rule(ANY, constants=(1,), settings=(1,), unsure="in no table, but a public compiled model has it mapped"),
    "TRANSPOSE": Rule(14, (limits.fits_transposed,), constants=(1,), settings=(1,), unsure=SIZE),
    "TRANSPOSE_CONV": Rule(13, (limits.fits,), constants=(0, 1, 3), settings=(0,), unsure=SIZE),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Rule(14),
}

# what to build instead of operations that it does not have
INSTEAD = {
    "LEAKY_RELU": "PRELU with one slope a channel does the same: convert quantize --target edgetpu",
    "HARD_SWISH": "train with RELU6 (MobileNetV3 minimalistic)",
    "PADV2": "PAD, which fills with zeros",
    "BATCH_MATMUL": "FULLY_CONNECTED or CONV_2D with constant weights",
    "ARG_MAX": "take the largest after the Edge TPU",
    "DEPTH_TO_SPACE": "TRANSPOSE_CONV or RESIZE_NEAREST_NEIGHBOR",
    "DEQUANTIZE": "convert with int8 outputs",
}

# The compiler first runs the model in a TensorFlow Lite of July 2021, which refuses a file with a version that it does
# not know: CONV_2D 6 and operations from 141 on are reported, the other numbers are at most TensorFlow's of early 2022.
VERSIONS = {
    "ADD": 4, "ARG_MAX": 3, "AVERAGE_POOL_2D": 3, "BATCH_MATMUL": 4, "CAST": 4, "CONCATENATION": 3, "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6, "DEQUANTIZE": 5, "DIV": 2, "FULLY_CONNECTED": 9, "GATHER": 5, "L2_NORMALIZATION": 2,
    "LEAKY_RELU": 2, "LOGISTIC": 3, "MAXIMUM": 4, "MAX_POOL_2D": 3, "MEAN": 3, "MINIMUM": 4, "MUL": 6, "PACK": 3,
    "PAD": 4, "PADV2": 4, "PRELU": 1, "QUANTIZE": 3, "REDUCE_MAX": 3, "REDUCE_MIN": 3, "RELU": 3, "RELU6": 3,
    "RESHAPE": 1, "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "RSQRT": 2, "SLICE": 5, "SOFTMAX": 3,
    "SPACE_TO_DEPTH": 2, "SPLIT": 4, "SQUARED_DIFFERENCE": 2, "SQUEEZE": 2, "STRIDED_SLICE": 6, "SUB": 5, "SUM": 2,
    "TANH": 3, "TILE": 3, "TRANSPOSE": 5, "TRANSPOSE_CONV": 3, "UNIDIRECTIONAL_SEQUENCE_LSTM": 3, "UNPACK": 4,
}  # fmt: skip
NEWEST_OPERATOR = 140  # of the schema's numbers; a file with a later one is refused: "builtin_code out of range"
CUSTOM_OPERATORS = {"TFLite_Detection_PostProcess", "PosenetDecoderOp", "AudioSpectrogram", "Mfcc", "NumericVerify"}

# inputs that give an operation's result its size; where they are no constants, the result has none at compile time
SIZED_BY = {
    "BROADCAST_TO": (1,), "EXPAND_DIMS": (1,), "FILL": (0,), "PAD": (1,), "PADV2": (1,), "RANGE": (0, 1, 2),
    "RESHAPE": (1,), "RESIZE_BILINEAR": (1,), "RESIZE_NEAREST_NEIGHBOR": (1,), "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3), "TILE": (1,), "TRANSPOSE": (1,), "TRANSPOSE_CONV": (0,),
}  # fmt: skip
SIZED_BY_VALUES = {"NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "UNIQUE", "WHERE"}

PARAMETER_CACHE = 7.7 * 2**20  # bytes of the chip's memory that hold parameters; more are sent with every picture
