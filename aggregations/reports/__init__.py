"""Questions and their answers, one noun a file."""
