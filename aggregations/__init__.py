"""The questions and their answers: typed functions that take a client and return columns."""
