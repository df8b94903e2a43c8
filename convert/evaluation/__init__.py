"""How good a detector is on annotated pictures, and how close one is to another."""
