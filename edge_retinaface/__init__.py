"""Faces on a Raspberry Pi or Coral board: detection in Python, as a command and as a service."""

__version__ = "0.1.0"
