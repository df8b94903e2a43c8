"""Training without labels: a student network learns to say what its teacher, the original float network, says."""
