-- Days that are over are closed: their visits are written once more, as typed rows that need no merging, and whole
-- months of rollups as one row a month. Checksums say which events a derived row was made of.

alter table visits add column if not exists checksum SimpleAggregateFunction(sum, UInt64) comment 'sum of the hashes of its events, wrapping';

alter table daily_events add column if not exists checksum SimpleAggregateFunction(sum, UInt64) comment 'sum of the hashes of its events, wrapping';

alter table daily_pages add column if not exists checksum SimpleAggregateFunction(sum, UInt64) comment 'sum of the hashes of its events, wrapping';

-- Visits of closed days. Grain: one row a visit. The columns are those of the view `visits_merged`, in its order. A day
-- whose closing is older than its revision is not read here.
create table if not exists closed_visits (
    site_id UInt32,
    visit_date Date,
    visitor_id UInt64,
    visit_id UInt64 codec(ZSTD(1)),
    bot Bool,
    started DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    ended DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    pageviews UInt64 codec(ZSTD(1)),
    events UInt64 codec(ZSTD(1)),
    interactions UInt64 codec(ZSTD(1)),
    engagement_ms UInt64 codec(ZSTD(1)),
    revenue Decimal(38, 4) codec(ZSTD(1)),
    duration Float64 codec(ZSTD(1)),
    bounce UInt8 codec(ZSTD(1)),
    entry_page String codec(ZSTD(1)),
    exit_page String codec(ZSTD(1)),
    source LowCardinality(String),
    channel LowCardinality(String),
    referrer String codec(ZSTD(1)),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    click_id_kind LowCardinality(String),
    country LowCardinality(String),
    city LowCardinality(String),
    device LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    language LowCardinality(String),
    hostname LowCardinality(String),
    checksum UInt64
)
engine = MergeTree
partition by toYYYYMM(visit_date)
order by (site_id, visit_date, visitor_id, visit_id);

-- Rollups of closed months. Grain: in each table's order by; `local_date` is the first of the month.
create table if not exists monthly_events (
    site_id UInt32,
    local_date Date,
    bot Bool,
    name LowCardinality(String),
    events SimpleAggregateFunction(sum, UInt64),
    revenue SimpleAggregateFunction(sum, Decimal(38, 4)),
    visitors AggregateFunction(uniq, UInt64),
    checksum SimpleAggregateFunction(sum, UInt64)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, bot, name);

create table if not exists monthly_pages (
    site_id UInt32,
    local_date Date,
    bot Bool,
    hostname LowCardinality(String),
    path String,
    pageviews SimpleAggregateFunction(sum, UInt64),
    visitors AggregateFunction(uniq, UInt64),
    checksum SimpleAggregateFunction(sum, UInt64)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, bot, hostname, path);

-- The last batch that brought or moved events of a day: a day of the events, or of the starts of their visits. Grain:
-- one row a site and day after merging. Written before the batch is inserted.
create table if not exists revisions (
    site_id UInt32,
    day Date,
    batch_no UInt64
)
engine = ReplacingMergeTree(batch_no)
order by (site_id, day);

-- Up to which batch a closed table holds a day, or a month by its first day; 0: it must be closed again. Grain: one row
-- a table, site and day after merging.
create table if not exists closings (
    derived LowCardinality(String),
    site_id UInt32,
    day Date,
    batch_no UInt64,
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (derived, site_id, day);

-- Days that are compared, rebuilt or closed just now, by whoever holds the partitions.
create table if not exists work_days (
    site_id UInt32,
    day Date
)
engine = Memory;

insert into revisions (site_id, day, batch_no)
select distinct site_id, arrayJoin([local_date, visit_date]) as day, 1 from events;
