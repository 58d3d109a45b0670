"""The browser script, as package data."""
