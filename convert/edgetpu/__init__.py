"""What the Edge TPU's compiler will map, without the compiler; and what it did map, where it is installed."""
