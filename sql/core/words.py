"""Words as a sentence has them."""

from __future__ import annotations


def one(noun: str) -> str:
    """A noun behind its article: ``a goal``, ``an override``."""
    return f"{'an' if noun[:1] in set('aeiou') else 'a'} {noun}"
