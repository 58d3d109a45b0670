-- What the tracker detected, as corrected: columns of the event, and what it was detected as. Grain: one row a detected
-- event. The one place where overrides are applied.
create or replace view detected_events as
with (select rules from override_rules) as rules
select
    * except (name),
    toString(e.name) as name,
    concat(hostname, path) as url,
    e.props['kind'] as kind_detected,
    e.props['confidence'] as confidence_detected,
    e.props['rule'] as rule,
    coalesce(nullIf(e.props['selector'], ''), e.props['form']) as selector, -- a form is named by itself
    e.props['text'] as text,
    deciding_rank(rules, site_id, name, rule, selector, text) as override_rank,
    transform(override_rank, tupleElement(rules, 2), tupleElement(rules, 4), '') as override,
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
