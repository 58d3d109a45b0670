-- Event schemas and overrides become definitions. An override is named by its number, and its removal is a version. It
-- was never changed, so the later of two is the one with the higher number, whatever the clock said.

insert into definitions (site_id, kind, name, version, body, by, at, removed)
select
    site_id,
    'event_schema',
    name,
    version,
    concat('{', if(mode = 'warn', '', concat('"mode":"', mode, '",')), '"schema":', toJSONString(schema), '}'),
    '',
    created_at,
    false
from event_schemas final;

insert into definitions (site_id, kind, name, version, body, by, at, removed)
with
    (member, value) -> if(value is null, '', concat(',"', member, '":', toJSONString(assumeNotNull(value)))) as stated
select
    site_id,
    'override',
    toString(override_id),
    1,
    concat(
        '{"kind":', toJSONString(kind), stated('event', name), stated('rule', rule), stated('selector', selector),
        stated('text', text), '}'
    ),
    created_by,
    max(created_at) over (order by override_id),
    false
from event_overrides final;

insert into definitions (site_id, kind, name, version, body, by, at, removed)
select site_id, 'override', toString(override_id), 2, '', removed_by, assumeNotNull(removed_at), true
from event_overrides final
where removed_at is not null;
