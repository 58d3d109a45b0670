-- Corrections of what the tracker detected by itself. Grain: one row an override and change; the newest row by
-- `updated_at` counts. Nothing is deleted: a removed override stays, with who removed it and when.

create table if not exists event_overrides (
    override_id UInt32,
    site_id UInt32,
    kind LowCardinality(String) comment 'what such events are; none: detected wrongly, they count as nothing',
    name Nullable(String) comment 'which events: these four must be equal where they are not null',
    rule Nullable(String),
    selector Nullable(String),
    text Nullable(String),
    created_by String,
    created_at DateTime64(3, 'UTC'),
    removed_by String default '',
    removed_at Nullable(DateTime64(3, 'UTC')),
    updated_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(updated_at)
order by override_id
settings non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, min_parts_to_merge_at_once = 8;

-- One number for a site and what an override asks for. `asked` says which of the four values count (bits 0 to 3), so
-- that an event has one such number for each combination.
create or replace function override_key as (site, asked, name, rule, selector, text) -> cityHash64(
    site,
    toUInt8(asked),
    if(bitTest(asked, 0), name, ''),
    if(bitTest(asked, 1), rule, ''),
    if(bitTest(asked, 2), selector, ''),
    if(bitTest(asked, 3), text, '')
);

-- The overrides in force. `rank` says which one wins: more criteria before fewer, then the later one.
create view if not exists overrides_in_force as
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
where removed_at is null;

-- What the tracker detected, as corrected. Grain: one row a detected event. The one place where overrides are applied.
-- The first row of `rules` keeps the arrays from being empty, which `transform` refuses.
create view if not exists detected_events as
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
    site_id,
    local_date,
    timestamp,
    visitor_id,
    visit_id,
    event_id,
    toString(e.name) as name,
    hostname,
    path,
    concat(hostname, path) as url,
    bot,
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
    and e.props['confidence'] in ('high', 'medium', 'low');
