-- Daily rollups over events. Grain: in each table's order by. Only what can be summed or sketched block by
-- block lives here; bounce, duration, entry and exit depend on the whole visit and come from `visits`.

create table if not exists daily_events (
    site_id UInt32,
    local_date Date,
    bot Bool,
    name LowCardinality(String),
    events SimpleAggregateFunction(sum, UInt64),
    revenue SimpleAggregateFunction(sum, Decimal(38, 4)),
    visitors AggregateFunction(uniq, UInt64)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, bot, name);

create table if not exists daily_pages (
    site_id UInt32,
    local_date Date,
    bot Bool,
    hostname LowCardinality(String),
    path String,
    pageviews SimpleAggregateFunction(sum, UInt64),
    visitors AggregateFunction(uniq, UInt64)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, bot, hostname, path);
