-- What columns of events become, by the hash of what they are made of and of what they are: filled and read while a
-- month is derived again.
create table if not exists backfill_values (
    key UInt64,
    made Array(String)
)
engine = Memory;

-- Days whose events were changed, and whose derived rows were not made again yet. Grain: one row a site and day after
-- merging. Written before the events change.
create table if not exists pending_days (
    site_id UInt32,
    day Date,
    pending Bool,
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (site_id, day);
