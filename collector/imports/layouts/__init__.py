"""Formats of access logs, one module each: from a line to what it says about a request. ``table`` lists them."""
