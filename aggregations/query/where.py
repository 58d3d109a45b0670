"""Conditions as a person writes them: ``country=FR|DE and page~^/blog/``.

| Written | Means |
|---|---|
| ``a=x|y``, ``a!=x`` | is one of the values, is none of them |
| ``a*=x``, ``a!*=x`` | contains the text |
| ``a^=x``, ``a!^=x`` | starts with the text |
| ``a~x``, ``a!~x`` | matches the pattern (RE2) |
| ``a?``, ``a!?`` | has a value |
| ``a>1``, ``>=``, ``<``, ``<=`` | numbers |
| ``and``, ``or``, ``not``, ``( )`` | and binds before or |
| ``did(…)``, ``did_not(…)`` | visitors who had such an event or visit in the period |

A value ends at ``|``, at `` and ``, `` or `` and at a parenthesis that was not opened in it; in double quotes it holds
anything. A pattern is one value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregations.query.conditions import And, Comparison, Condition, Did, Not, Operator, Or, check
from sql.core.errors import UsageError

SIGNS = {
    "!*=": (Operator.CONTAINS, True),
    "!^=": (Operator.STARTS_WITH, True),
    "!=": (Operator.IS, True),
    "!~": (Operator.MATCHES, True),
    "!?": (Operator.EXISTS, True),
    "*=": (Operator.CONTAINS, False),
    "^=": (Operator.STARTS_WITH, False),
    ">=": (Operator.AT_LEAST, False),
    "<=": (Operator.AT_MOST, False),
    "=": (Operator.IS, False),
    "~": (Operator.MATCHES, False),
    "?": (Operator.EXISTS, False),
    ">": (Operator.GREATER, False),
    "<": (Operator.LESS, False),
}
_SPACE = re.compile(r"\s*")
NAME = re.compile(r"[A-Za-z_][\w.$:-]*")
_WORD = re.compile(r"[a-z_]+(?=[\s(]|\Z)")
_SIGN = re.compile("|".join(map(re.escape, SIGNS)))
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STOP = re.compile(r"\s+(?:and|or)(?=[\s(]|\Z)")
_ESCAPED = re.compile(r'\\(["\\])')
_PLAIN = re.compile(r'[^\s|()"]+(?: (?!(?:and|or)(?: |\Z))[^\s|()"]+)*\Z')


def parse(text: str) -> Condition:
    """The condition that a text says. Raises UsageError that points at what is wrong."""
    found = Reader(text).whole()
    check(found)
    return found


def written(condition: Condition) -> str:
    """A text that says the condition."""
    match condition:
        case Comparison(dimension, operator, values):
            sign = next(sign for sign, found in SIGNS.items() if found == (operator, False))
            return f"{dimension}{sign}{'|'.join(value_written(value) for value in values)}"
        case Not(Comparison(dimension, operator, values)) if (operator, True) in SIGNS.values():
            sign = next(sign for sign, found in SIGNS.items() if found == (operator, True))
            return f"{dimension}{sign}{'|'.join(value_written(value) for value in values)}"
        case Not(Did(part)):
            return f"did_not({written(part)})"
        case Not(part):
            return f"not ({written(part)})"
        case Did(part):
            return f"did({written(part)})"
        case And(parts):
            return " and ".join(f"({written(part)})" if isinstance(part, And | Or) else written(part) for part in parts)
        case Or(parts):
            return " or ".join(f"({written(part)})" if isinstance(part, And | Or) else written(part) for part in parts)
    raise TypeError(f"not a condition: {condition!r}")


@dataclass(slots=True)
class Reader:
    """Reads a condition from a text, term by term. A language with other terms has its own ``term``."""

    text: str
    at: int = 0
    depth: int = 0

    def whole(self) -> Condition:
        """The condition that the whole text says."""
        found = self.either()
        if self.at < len(self.text):
            raise self.wrong("'and' or 'or'")
        return found

    def either(self) -> Condition:
        parts = [self.every()]
        while self.word("or"):
            parts.append(self.every())
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def every(self) -> Condition:
        parts = [self.one()]
        while self.word("and"):
            parts.append(self.one())
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def one(self) -> Condition:
        self.depth += 1
        if self.depth > 50:
            raise UsageError("conditions are nested too deep")
        try:
            if self.word("not"):
                return Not(self.one())
            self.space()
            return self.inside() if self.text[self.at : self.at + 1] == "(" else self.term()
        finally:
            self.depth -= 1

    def term(self) -> Condition:
        if self.word("did_not"):
            return Not(Did(self.inside()))
        if self.word("did"):
            return Did(self.inside())
        return self.comparison()

    def inside(self) -> Condition:
        self.expect("(")
        found = self.either()
        self.expect(")")
        return found

    def comparison(self) -> Condition:
        name = self.take(NAME, "a dimension, such as country")
        sign = self.take(_SIGN, f"one of {' '.join(SIGNS)}")
        operator, negated = SIGNS[sign]
        values: list[str | float] = []
        if operator is not Operator.EXISTS:
            values.append(self.value(operator))
            while operator is not Operator.MATCHES and self.text[self.at : self.at + 1] == "|":
                self.at += 1
                values.append(self.value(operator))
        if operator in (Operator.GREATER, Operator.AT_LEAST, Operator.LESS, Operator.AT_MOST):
            try:
                values = [float(value) for value in values]
            except ValueError:
                raise UsageError(f"{name}{sign} takes a number, not {values[0]!r}") from None
            if len(values) != 1:
                raise UsageError(f"{name}{sign} takes one number")
        made = Comparison(name, operator, tuple(values))
        return Not(made) if negated else made

    def value(self, operator: Operator) -> str:
        self.space()
        if found := _QUOTED.match(self.text, self.at):
            self.at = found.end()
            return _ESCAPED.sub(r"\1", found[0][1:-1])
        start, opened = self.at, 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "|" and operator is not Operator.MATCHES:
                break
            if char == ")" and not opened:
                break
            if not opened and _STOP.match(self.text, self.at):
                break
            opened += (char == "(") - (char == ")")
            self.at += 1
        found_text = self.text[start : self.at].strip()
        if not found_text:
            raise self.wrong('a value ("" for empty)')
        return found_text

    def word(self, wanted: str) -> bool:
        self.space()
        found = _WORD.match(self.text, self.at)
        if not found or found[0] != wanted:
            return False
        self.at = found.end()
        return True

    def expect(self, sign: str) -> None:
        self.space()
        if self.text[self.at : self.at + 1] != sign:
            raise self.wrong(repr(sign))
        self.at += 1
        self.space()

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        self.space()
        found = pattern.match(self.text, self.at)
        if not found:
            raise self.wrong(what)
        self.at = found.end()
        return found[0]

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def wrong(self, wanted: str) -> UsageError:
        rest = self.text[self.at : self.at + 20] or "the end"
        return UsageError(f"not a condition: {self.text!r}", f"expected {wanted} at {rest!r}")


def value_written(value: str | float) -> str:
    """A value as it is written in a condition."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    plain = str(value)
    if _PLAIN.match(plain):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
