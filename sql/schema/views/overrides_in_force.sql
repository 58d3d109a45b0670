-- The overrides in force. Grain: one row an override. `rank` says which one wins: more criteria before fewer, then the
-- one that was written later. What earlier versions numbered has its number as its name, so that 2 comes before 10.
create or replace view overrides_in_force as
with
    JSONExtract(body, 'Tuple(kind String, event Nullable(String), rule Nullable(String), selector Nullable(String),
        text Nullable(String))') as says
select
    site_id,
    name as override,
    tupleElement(says, 'kind') as kind,
    toUInt8(
        (tupleElement(says, 'event') is not null)
        + 2 * (tupleElement(says, 'rule') is not null)
        + 4 * (tupleElement(says, 'selector') is not null)
        + 8 * (tupleElement(says, 'text') is not null)
    ) as asked,
    override_key(
        site_id, asked, ifNull(tupleElement(says, 'event'), ''), ifNull(tupleElement(says, 'rule'), ''),
        ifNull(tupleElement(says, 'selector'), ''), ifNull(tupleElement(says, 'text'), '')
    ) as key,
    toUInt64(bitCount(asked)) * 4294967296 + row_number() over (order by at, length(name), name, site_id) as rank
from (
    select site_id, name, body, at, removed
    from definitions as d
    where kind = 'override'
    order by site_id, name, version desc
    limit 1 by site_id, name
)
where not removed
