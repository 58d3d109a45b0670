-- The table of applied schema steps. Grain: one row a step and application; the newest counts.
create table if not exists schema_steps (
    name String,
    kind LowCardinality(String),
    checksum String,
    applied_at DateTime64(3, 'UTC') default now64(3)
)
engine = MergeTree
order by (name, applied_at)
settings fsync_after_insert = 1, fsync_part_directory = 1
