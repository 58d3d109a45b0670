"""The HTTP side: application, workers, what is answered, the tracker's files."""
