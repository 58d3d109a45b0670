-- From which local day on what is stored of a site is whole: retention has removed what is earlier. Written before
-- anything is removed. Grain: one row a site and what after merging.
create table if not exists horizons (
    site_id UInt32,
    what LowCardinality(String) comment 'events | visits | rollups, or a column of events such as events.user_agent',
    since Date,
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (site_id, what);
