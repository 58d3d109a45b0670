-- Visits. Grain: one row a visit after merging. Filled by sql/views/visits.sql from each inserted block;
-- read through the view `visits_merged`, which holds the rules (what a bounce is, how long a visit was).
-- The fields of a visit's first event travel as one string, a JSON array: an argMin state of
-- a 15-tuple took half of the whole insert, this one a tenth (docs/architecture.md, "Measured choices").

create table if not exists visits (
    site_id UInt32,
    visit_date Date,
    visitor_id UInt64,
    visit_id UInt64,
    bot SimpleAggregateFunction(max, Bool),
    started SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    ended SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    pageviews SimpleAggregateFunction(sum, UInt64),
    events SimpleAggregateFunction(sum, UInt64),
    interactions SimpleAggregateFunction(sum, UInt64),
    engagement_ms SimpleAggregateFunction(sum, UInt64),
    revenue SimpleAggregateFunction(sum, Decimal(38, 4)),
    first AggregateFunction(argMin, String, UInt64) comment 'fields of the first event, see visits_merged',
    entry AggregateFunction(argMinIf, String, UInt64, UInt8),
    exit AggregateFunction(argMaxIf, String, UInt64, UInt8)
)
engine = AggregatingMergeTree
partition by toYYYYMM(visit_date)
order by (site_id, visit_date, visitor_id, visit_id)
settings non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, min_parts_to_merge_at_once = 8;

-- In which order events of a visit count: by time, then by event id, so that every engine and every rebuild agree.
create or replace function event_order as (timestamp, event_id) ->
    toUInt64(toUnixTimestamp64Milli(timestamp)) * 1048576 + bitAnd(cityHash64(event_id), 1048575);

-- What a bounce is: one page view, and nothing else that somebody did.
create or replace function is_bounce as (pageviews, interactions) -> pageviews = 1 and interactions = 0;

create view if not exists visits_merged as
select
    site_id,
    visit_date,
    visitor_id,
    visit_id,
    max(v.bot) as bot,
    min(v.started) as started,
    max(v.ended) as ended,
    sum(v.pageviews) as pageviews,
    sum(v.events) as events,
    sum(v.interactions) as interactions,
    sum(v.engagement_ms) as engagement_ms,
    sum(v.revenue) as revenue,
    dateDiff('millisecond', started, ended) / 1000 as duration,
    is_bounce(pageviews, interactions) as bounce,
    JSONExtract(argMinMerge(v.first), 'Tuple(source String, channel String, referrer String, utm_source String,
        utm_medium String, utm_campaign String, utm_term String, utm_content String, click_id_kind String,
        country String, device String, browser String, os String, language String, hostname String)') as first,
    argMinIfMerge(v.entry) as entry_page,
    argMaxIfMerge(v.exit) as exit_page
from visits as v
group by site_id, visit_date, visitor_id, visit_id;
