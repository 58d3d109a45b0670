-- What was exported. Grain: one row an export; it is written last, so what it tells of is in its place.
create table if not exists exports (
    site_id UInt32,
    export LowCardinality(String) comment 'its name, by which the next run finds it',
    run UInt64 comment 'its moment, in ms since 1970',
    what LowCardinality(String) comment 'events, visits, a rollup, a report, a segment or conversions',
    target LowCardinality(String) comment 'format or platform',
    rows UInt64,
    people UInt64 comment 'persons of an audience that went out',
    added UInt64,
    removed UInt64,
    left_out Map(String, UInt64) comment 'persons or conversions by the reason',
    files Array(String),
    sha256 Array(String),
    definition String comment 'JSON',
    status LowCardinality(String) comment 'done | failed',
    error String
)
engine = MergeTree
order by (site_id, export, run);

-- Rows of audiences as they went out, by which additions and removals are found, and hashes of the ids of conversions that
-- went out. No id of a person is here, only what the platform was told. Grain: one row a change; it counts once its run is in `exports`.
create table if not exists export_members (
    site_id UInt32,
    export LowCardinality(String),
    cells Array(String),
    run UInt64,
    entered Bool comment 'false: removed'
)
engine = MergeTree
order by (site_id, export, cells, run);

-- Rows of the audience that is being exported, by whoever holds the lock. Grain: one row a person and row of it.
create table if not exists work_export (
    site_id UInt32,
    cells Array(String),
    reason LowCardinality(String) comment 'why the person is left out; empty: it goes out',
    person UInt64
)
engine = MergeTree
order by (reason, cells);
