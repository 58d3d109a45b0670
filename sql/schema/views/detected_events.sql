-- What the tracker detected, as corrected: columns of the event, and what it was detected as. Grain: one row a detected
-- event. The one place where overrides are applied.
-- The first row of `rules` keeps the arrays from being empty, which `transform` refuses.
create or replace view detected_events as
with
    (
        select (groupArray(key), groupArray(rank), groupArray(kind), groupUniqArray(asked))
        from (
            select toUInt64(0) as key, toUInt64(0) as rank, '' as kind, toUInt8(0) as asked
            union all
            select key, max(o.rank) as rank, argMax(o.kind, o.rank) as kind, any(o.asked) as asked
            from overrides_in_force as o
            group by key
        )
    ) as rules
select
    * except (name),
    toString(e.name) as name,
    concat(hostname, path) as url,
    e.props['kind'] as kind_detected,
    e.props['confidence'] as confidence_detected,
    e.props['rule'] as rule,
    coalesce(nullIf(e.props['selector'], ''), e.props['form']) as selector, -- a form is named by itself
    e.props['text'] as text,
    arrayMax(
        asked -> transform(
            override_key(site_id, asked, name, rule, selector, text),
            tupleElement(rules, 1), tupleElement(rules, 2), toUInt64(0)
        ),
        tupleElement(rules, 4)
    ) as override_rank,
    toUInt32(bitAnd(override_rank, 4294967295)) as override_id,
    if(
        override_rank = 0,
        kind_detected,
        transform(override_rank, tupleElement(rules, 2), tupleElement(rules, 3), '')
    ) as kind,
    if(override_rank = 0, confidence_detected, 'reviewed') as confidence
from events as e
where e.name in ('click', 'form_submit')
    and e.props['kind'] != ''
    and e.props['confidence'] in ('high', 'medium', 'low')
