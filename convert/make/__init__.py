"""From a file of weights to the model file that is shipped."""
