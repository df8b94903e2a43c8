"""TensorFlow and Keras, loaded once, without their start-up chatter, on the processor."""

import os

from convert.streams import silence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow loads; warnings come as Python warnings too

with silence():
    import keras
    import tensorflow as tf
    from tensorflow.lite.python import schema_py_generated as schema

    # a graphics card would change the last bits of the ranges, and looking for one prints an error where there is none
    tf.config.set_visible_devices([], "GPU")
    tf.config.list_logical_devices()
    # it fails loudly, and needlessly, on a graph that reduces what its convolutions give
    tf.config.optimizer.set_experimental_options({"remapping": False})

__all__ = ["keras", "schema", "tf"]
