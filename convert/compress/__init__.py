"""A network with fewer multiplications that says the same: factorisation, pruning, then training without labels."""
