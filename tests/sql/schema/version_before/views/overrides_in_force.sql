-- The overrides in force. `rank` says which one wins: more criteria before fewer, then the later one.
create or replace view overrides_in_force as
select
    override_id,
    site_id,
    toString(kind) as kind,
    toUInt8(
        (o.name is not null) + 2 * (o.rule is not null) + 4 * (o.selector is not null) + 8 * (o.text is not null)
    ) as asked,
    override_key(
        site_id, asked, ifNull(o.name, ''), ifNull(o.rule, ''), ifNull(o.selector, ''), ifNull(o.text, '')
    ) as key,
    toUInt64(bitCount(asked)) * 4294967296 + override_id as rank
from event_overrides as o final
where removed_at is null
