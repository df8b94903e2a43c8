"""The workshop: trained RetinaFace weights in, model files for the device out. Never imported on the device."""
