-- Visitors and users that were erased, so that a late event of theirs is refused. Grain: one row a site and hash after
-- merging. A hash is keyed (identity-keys.json): nobody can be found by it who is not asked for.
create table if not exists tombstones (
    site_id UInt32,
    hash String comment 'of the visitor id, or of the user id',
    at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(at)
order by (site_id, hash);

-- Visitors that are being erased just now, by whoever holds the partitions.
create table if not exists work_visitors (
    site_id UInt32,
    visitor_id UInt64
)
engine = Memory;
