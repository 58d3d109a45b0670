-- What operators define: goals, funnels and whatever comes after them. Grain: one row a version. The newest version of a
-- name counts; all of them stay. A version that is marked as removed ends the definition; the next one begins it again.

create table if not exists definitions (
    site_id UInt32,
    kind LowCardinality(String) comment 'goal, funnel, …',
    name String,
    version UInt32,
    body String comment 'JSON; empty where removed',
    by String comment 'the user who wrote this version; empty: unknown',
    at DateTime64(3, 'UTC'),
    removed Bool
)
engine = ReplacingMergeTree(at)
order by (site_id, kind, name, version);
