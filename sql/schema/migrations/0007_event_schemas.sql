-- JSON Schemas of events. Grain: one row a site, event name and version; the newest version counts.

create table if not exists event_schemas (
    site_id UInt32,
    name String,
    version UInt32,
    mode LowCardinality(String) comment 'warn | reject | off',
    schema String comment 'JSON Schema',
    created_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(created_at)
order by (site_id, name, version);
