"""The Keras family's network as its author builds it: batch normalization apart, layers named or numbered by Keras.

An independent second implementation for the importers' tests; a description in code of the published architecture.
"""

from convert.backend import keras

BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1))
LEVELS_AFTER = (5, 11, 13)


def upsample(coarse: keras.KerasTensor, fine: keras.KerasTensor) -> keras.KerasTensor:
    rows, columns = fine.shape[1:3]
    up = keras.ops.repeat(keras.ops.repeat(coarse, 2, axis=1), 2, axis=2)
    return up[:, :rows, :columns]


class UpsampleLike(keras.layers.Layer):
    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        return upsample(*inputs)

    def compute_output_shape(self, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
        return (*shapes[1][:3], shapes[0][3])


def normalized(
    x: keras.KerasTensor, layer: keras.Layer, leaky: float | None = None, name: str | None = None
) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=name)(layer(x))
    return x if leaky is None else keras.layers.LeakyReLU(negative_slope=leaky)(x)


def context(x: keras.KerasTensor) -> keras.KerasTensor:
    def conv(y: keras.KerasTensor, filters: int, leaky: float | None = None) -> keras.KerasTensor:
        return normalized(y, keras.layers.Conv2D(filters, 3, padding="same"), leaky)

    three, five_1 = conv(x, 32), conv(x, 16, 0.1)
    five, seven_2 = conv(five_1, 16), conv(five_1, 16, 0.1)
    joined = keras.layers.Concatenate()([three, five, conv(seven_2, 16)])
    return keras.layers.Activation("relu")(joined)


def build(input_hw: tuple[int, int]) -> keras.Model:
    """Outputs box (n, 4), class (n, 2) softmax, landmark (n, 10)."""
    keras.backend.clear_session()
    picture = keras.Input((*input_hw, 3), batch_size=1)

    def relu6(y: keras.KerasTensor, layer: keras.Layer, name: str | None) -> keras.KerasTensor:
        y = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(layer(y))
        return keras.layers.ReLU(6.0, name=f"{name}_relu")(y)

    conv, depthwise = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
    x = relu6(picture, conv(8, 3, 2, "same", use_bias=False, name="conv1"), "conv1")
    levels = []
    for n, (filters, stride) in enumerate(BLOCKS, start=1):
        x = relu6(x, depthwise(3, stride, "same", use_bias=False, name=f"conv_dw_{n}"), f"conv_dw_{n}")
        x = relu6(x, conv(filters, 1, use_bias=False, name=f"conv_pw_{n}"), f"conv_pw_{n}")
        if n in LEVELS_AFTER:
            levels.append(x)
    c3, c4, c5 = (normalized(y, conv(64, 1, name=f"C{i}_reduced"), 0.1) for i, y in enumerate(levels, start=3))
    p4 = keras.layers.Add()([UpsampleLike()([c5, c4]), c4])
    p4 = normalized(p4, conv(64, 3, padding="same", name="Conv_P4_merged"), 0.1)
    p3 = keras.layers.Add()([UpsampleLike()([p4, c3]), c3])
    p3 = normalized(p3, conv(64, 3, padding="same", name="Conv_P3_merged"), 0.1)
    features = [context(p) for p in (p3, p4, c5)]
    outputs = []
    for values, name in ((4, "box"), (2, "class"), (10, "landmark")):
        flat = [keras.layers.Reshape((-1, values))(conv(2 * values, 1)(y)) for y in features]
        if name == "class":
            flat = [keras.layers.Activation("softmax")(y) for y in flat]
        outputs.append(keras.layers.Concatenate(axis=1, name=name)(flat))
    return keras.Model(picture, outputs)
