"""TensorFlow and Keras, loaded once, without their start-up chatter; on the processor, but for long training."""

import os

from convert.streams import silence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow loads; warnings come as Python warnings too

with silence():
    import keras
    import tensorflow as tf
    from tensorflow.lite.python import schema_py_generated as schema

    # looking for a graphics card prints an error where there is none
    TRAINING_DEVICE = next((one.name for one in tf.config.list_logical_devices("GPU")), "/device:CPU:0")
    # it fails loudly, and needlessly, on a graph that reduces what its convolutions give
    tf.config.optimizer.set_experimental_options({"remapping": False})

# a graphics card would change the last bits of ranges: only `distill` leaves the processor, where it says so
tf.device("/device:CPU:0").__enter__()

__all__ = ["TRAINING_DEVICE", "keras", "schema", "tf"]
