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
order by override_id;
