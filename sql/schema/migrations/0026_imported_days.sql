-- Daily totals that were measured elsewhere, where there are no events of them. Grain: one row a site, dimension, day, value
-- and import; dimension '' has the totals of a day. Reports add them to days before the first event of a site.
create table if not exists imported_days (
    site_id UInt32,
    dimension LowCardinality(String) comment 'as questions name it; empty for totals',
    day Date,
    value String codec(ZSTD(1)),
    visitors UInt64,
    visits UInt64,
    pageviews UInt64,
    bounces UInt64,
    seconds UInt64 comment 'of all visits together',
    import_id LowCardinality(String)
)
engine = MergeTree
partition by toYYYYMM(day)
order by (site_id, dimension, day, value);
