"""A segment's condition as a person writes it.

| Written | Means |
|---|---|
| ``did(page=/pricing) >= 2 last 14d`` | at least two such events in the last 14 days |
| ``did(event=purchase)`` | at least one such event, ever |
| ``did_not(event=purchase) last 30d`` | no such event in the last 30 days |
| ``did(page=/pricing) >= 2 in 14d`` | two such events within any 14 days |
| ``did(…) in 14d then did(…) in 7d`` | a sequence; each step at most that long after the one before |
| ``… then did_not(event=purchase) in 7d`` | and no such event in the 7 days after it, which are over |
| ``visits >= 3 last 30d``, ``days``, ``events`` | how often the visitor came; ``visits(channel=Email)`` of some |
| ``revenue > 100``, ``revenue(event=purchase)`` | sum of revenue, in the site's currency |
| ``first.source=google``, ``last.channel=Email`` | of the first and the last visit |
| ``trait.plan=pro`` | last value of a property of the visitor's ``identify`` events |
| ``first_seen >= 2026-01``, ``last_seen < 2026-09-15`` | local day of the first and the last event |
| ``segment=buyers`` | belongs to another segment |
| ``and``, ``or``, ``not``, ``( )`` | and binds before or |

What is in the parentheses of ``did`` is a condition of events and visits as reports know it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregations.query.conditions import And, Comparison, Condition, Not, Operator, Or
from aggregations.query.where import NAME, Reader, value_written
from aggregations.query.where import written as written_where
from aggregations.segments.terms import End, Measure, Member, Seen, Sequence, Sign, Step, Term, Total, Touch, Trait
from sql.core.durations import seconds_of, span_of
from sql.core.errors import UsageError

TOUCHES = {f"{end}.": end for end in End}
SEENS = {f"{end}_seen": end for end in End}
TRAIT, SEGMENT = "trait.", "segment"
_SIGN = re.compile(r">=|<=|>|<|=")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,6})?(?![\w.])")
_SPAN = re.compile(r"[0-9]+[smhd](?!\w)")
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?(?![\w-])")


def parse(text: str) -> Condition:
    """The condition of terms that a text says. Raises UsageError that points at what is wrong."""
    return _Reader(text).whole()


def written(condition: Condition) -> str:
    """A text that says the condition."""
    match condition:
        case Not(Total(Measure.EVENTS, what, Sign.AT_LEAST, 1, last)) if what is not None:
            return f"did_not({written_where(what)}){_last(last)}"
        case Not(part):
            return f"not ({written(part)})"
        case And(parts) | Or(parts):
            word = " and " if isinstance(condition, And) else " or "
            return word.join(f"({written(part)})" if isinstance(part, And | Or) else written(part) for part in parts)
        case Total() | Sequence() | Touch() | Trait() | Seen() | Member():
            return _term(condition)
    raise TypeError(f"not a condition of a segment: {condition!r}")


def _term(term: Term) -> str:
    match term:
        case Total(Measure.EVENTS, what, sign, number, last) if what is not None:
            count = "" if (sign, number) == (Sign.AT_LEAST, 1) else f" {sign} {number:g}"
            return f"did({written_where(what)}){count}{_last(last)}"
        case Total(measure, what, sign, number, last):
            of = f"({written_where(what)})" if what is not None else ""
            return f"{measure}{of} {sign} {number:.15g}{_last(last)}"
        case Sequence(steps):
            return " then ".join(map(_step, steps))
        case Touch(end, what):
            return f"{end}.{written_where(what)}"
        case Trait(what):
            return f"{TRAIT}{written_where(what)}"
        case Seen(end, sign, day):
            return f"{end}_seen {sign} {day}"
        case Member(segment):
            return f"{SEGMENT}={value_written(segment)}"
    raise TypeError(f"not a term: {term!r}")


def _step(step: Step) -> str:
    count = f" >= {step.times}" if step.times > 1 else ""
    within = f" in {span_of(step.within)}" if step.within else ""
    return f"{'did' if step.done else 'did_not'}({written_where(step.what)}){count}{within}"


def _last(seconds: int) -> str:
    return f" last {span_of(seconds)}" if seconds else ""


@dataclass(slots=True)
class _Reader(Reader):
    def term(self) -> Condition:
        for measure in Measure:
            if self.word(measure):
                return self.total(measure)
        if self.word("did_not"):
            return self.behaviour(done=False)
        if self.word("did"):
            return self.behaviour(done=True)
        start = self.at
        name = self.take(NAME, "a term, such as did(page=/pricing)")
        if name in SEENS:
            return Seen(SEENS[name], Sign(self.take(_SIGN, "one of >= <= > < =")), self.take(_DAY, "such as 2026-01"))
        self.at = start
        return self.compared(name)

    def compared(self, name: str) -> Condition:
        made = self.comparison()
        negated = isinstance(made, Not)
        plain = made.part if isinstance(made, Not) else made
        if not isinstance(plain, Comparison):
            raise TypeError(plain)
        found: Condition | None = None
        for prefix, end in TOUCHES.items():
            if name.startswith(prefix):
                found = Touch(end, Comparison(name.removeprefix(prefix), plain.operator, plain.values))
        if name.startswith(TRAIT):
            found = Trait(Comparison(name.removeprefix(TRAIT), plain.operator, plain.values))
        if name == SEGMENT and plain.operator is Operator.IS:
            members = tuple(Member(str(value)) for value in plain.values)
            found = members[0] if len(members) == 1 else Or(members)
        if found is None:
            raise UsageError(f"{name} is not about a visitor", f"write did({name}=…), first.{name}=… or last.{name}=…")
        return Not(found) if negated else found

    def total(self, measure: Measure) -> Condition:
        what = self.inside_of() if self.text[self.at : self.at + 1] == "(" else None
        sign = Sign(self.take(_SIGN, "one of >= <= > < ="))
        return Total(measure, what, sign, self.number(), self.span("last"))

    def behaviour(self, *, done: bool) -> Condition:
        what = self.inside_of()
        sign, number = Sign.AT_LEAST, 1.0
        self.space()
        if done and _SIGN.match(self.text, self.at):
            sign, number = Sign(self.take(_SIGN, "a sign")), self.number()
        if last := self.span("last"):
            made = Total(Measure.EVENTS, what, sign, number, last)
            return made if done else Not(made)
        within = self.span("in")
        steps = [self.step(what, done, sign, number, within)] if within else []
        while self.word("then"):
            steps = steps or [self.step(what, done, sign, number, 0)]
            steps.append(self.next_step())
        if not steps:
            made = Total(Measure.EVENTS, what, sign, number)
            return made if done else Not(made)
        if len(steps) == 1 and not done:
            raise UsageError("did_not(…) in … is for the end of a sequence", "write did_not(…) last 7d")
        if any(not step.done for step in steps[:-1]):
            raise UsageError("only the last step of a sequence can be did_not(…)")
        return Sequence(tuple(steps))

    def next_step(self) -> Step:
        done = self.word("did")
        if not done and not self.word("did_not"):
            raise self.wrong("did(…) or did_not(…)")
        return Step(self.inside_of(), done, 1, self.span("in"))

    def step(self, what: Condition, done: bool, sign: Sign, number: float, within: int) -> Step:
        if sign is not Sign.AT_LEAST or number != int(number) or number < 1:
            raise UsageError("a sequence begins with a count such as >= 2", "other signs need 'last', or no time")
        return Step(what, done, int(number), within)

    def inside_of(self) -> Condition:
        """A condition of events and visits, in parentheses."""
        inner = Reader(self.text, self.at, self.depth)
        found = inner.inside()
        self.at = inner.at
        return found

    def number(self) -> float:
        return float(self.take(_NUMBER, "a number"))

    def span(self, word: str) -> int:
        """Seconds behind a word; 0 where it is not there."""
        return seconds_of(self.take(_SPAN, "a duration such as 14d")) if self.word(word) else 0
