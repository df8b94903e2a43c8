"""The commands of `edge-retinaface`, one module each."""
