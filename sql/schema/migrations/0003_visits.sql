-- Visits. Grain: one row a visit after merging. Filled by derivations/visits.sql from each inserted block;
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
order by (site_id, visit_date, visitor_id, visit_id);
