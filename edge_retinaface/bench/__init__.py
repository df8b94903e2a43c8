"""How long a frame takes on this machine, and where; comparable with another run."""
