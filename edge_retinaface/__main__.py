"""`python -m edge_retinaface` is `edge-retinaface`."""

from edge_retinaface.cli import main

main()
