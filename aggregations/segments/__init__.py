"""Segments: groups of visitors, defined by what they did, and who belonged to them when."""
