"""Exports: data as files, and audiences and conversions in the forms of ad platforms."""
