"""From contact data of persons to the cells of a platform's rows, as texts of SQL."""

from __future__ import annotations

from aggregations.exports.columns import harmless
from aggregations.exports.consent import Consent, denied, granted
from aggregations.exports.platforms import Audience, Field
from sql.core.queries import query

# A form that equals the first of its kind is not kept: then that one is meant.
_SAME_AS = {
    "email_google": "email",
    "email_tiktok": "email",
    "phone_e164": "phone",
    "first_name_google": "first_name",
    "last_name_google": "last_name",
}


def audience(platform: Audience, rule: Consent) -> str:
    """A statement that selects site_id, cells, reason and person: every person of a segment, with the rows that go out.

    It binds what exports/persons.sql binds.
    """
    forms = dict.fromkeys(each.form for each in platform.fields if each.form)
    columns = {form: f"v{at}" for at, form in enumerate(forms)}
    values = ",\n    ".join(f"{_values(form)} as {name}" for form, name in columns.items())
    cells = ", ".join(_cell(platform, each, columns, time) for each in platform.fields for time in range(each.times))
    keys = [at for at, key in enumerate(_keys(platform), 1) if key]
    wanted = " or ".join(f"cell[{at}] != ''" for at in keys)
    rows = ", ".join(
        f"intDiv(length({columns[each.form]}) + {each.times - 1}, {each.times})"
        for each in platform.fields
        if each.key and not _alone(platform, each)
    )
    return f"""
select
    {{site:UInt32}} as site_id, arrayJoin(if(reason = '', rows, [emptyArrayString()])) as cells, reason, person
from (
    select
        person_id as person,
        arrayFilter(cell -> {wanted}, arrayMap(r -> [{cells}], range(greatest(1, {rows})))) as rows,
        multiIf({_reasons(rule)}, empty(rows), 'no contact data', '') as reason
    from (
    select person_id, consent, gpc,
    {values}
    from (
{query("exports/persons")}
    )
    )
)
"""  # noqa: S608 (texts of ours)


def _keys(platform: Audience) -> list[bool]:
    return [each.key for each in platform.fields for _ in range(each.times)]


def _reasons(rule: Consent) -> str:
    found = ["gpc, 'Sec-GPC'"]
    if rule is not Consent.ANY:
        found.append(f"{denied('consent')}, 'consent denied'")
    if rule is Consent.REQUIRED:
        found.append(f"not {granted('consent')}, 'consent not given'")
    return ", ".join(found)


def _values(form: str) -> str:
    """The values of a form that a person's visitors told, the last one first, each once."""
    return f"arrayDistinct(arrayFilter(v -> v != '', arrayMap(t -> {_told(form)}, told)))"


def _told(form: str) -> str:
    first = _SAME_AS.get(form) or form.removesuffix(".plain")
    if first == form:
        return f"t.3['{form}']"
    # One that was told earlier is of another value of the first form.
    else_ = "''" if form.endswith(".plain") else f"t.3['{first}']"
    return f"if(mapContains(t.3, '{form}') and t.4['{form}'] = t.4['{first}'], t.3['{form}'], {else_})"


def _cell(platform: Audience, each: Field, columns: dict[str, str], time: int) -> str:
    if not each.form:
        return "''"
    name = columns[each.form]
    text = f"{name}[r * {each.times} + {time + 1}]" if each.key and not _alone(platform, each) else f"{name}[1]"
    if each.upper:
        text = f"upper({text})"
    if each.free:
        text = harmless(text)
    if each.header in platform.together:
        others = [columns[other.form] for other in platform.fields if other.header in platform.together]
        text = f"if({' or '.join(f'empty({other})' for other in others)}, '', {text})"
    return text


def _alone(platform: Audience, each: Field) -> bool:
    """Whether a person has one of it: a name."""
    return each.header in platform.together
