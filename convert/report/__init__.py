"""The proof beside the model: one page for a person, one JSON file for a program."""
