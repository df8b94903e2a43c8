"""Where TensorFlow works: on the processor, and training where it is told. A second processor stands for a card."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.convert

PROGRAM = """
import tensorflow as tf
(processor,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from convert.backend import TRAINING_DEVICE
from distill_cases import MEAN, PLAN, noise_scenes, tiny_network
from convert.distill.loop import distill
print(TRAINING_DEVICE, tf.constant(1.0).device)
with tf.device("/device:CPU:1"):
    teacher, student = tiny_network(0), tiny_network(1)
    distill(teacher, student, noise_scenes(), MEAN, PLAN)
print(*{variable.value.device for variable in student.variables}, tf.constant(1.0).device)
"""


def test_all_work_is_the_processors_but_training_stays_on_the_device_it_was_given() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    first, second = ("/job:localhost/replica:0/task:0/device:CPU:" + number for number in "01")
    assert done.stdout.split() == ["/device:CPU:0", first, second, first]
