-- States of visits are ordered by arrival_order, and those of funnels by funnel_moment. Tables that hold such states are
-- made again; their derivations, whose text changed with this migration, then fill them from raw events.

drop table if exists visits_mv;

drop table if exists visits;

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
    first AggregateFunction(argMin, String, UInt128) comment 'fields of the first event, see visits_merged',
    entry AggregateFunction(argMinIf, String, UInt128, UInt8),
    exit AggregateFunction(argMaxIf, String, UInt128, UInt8)
)
engine = AggregatingMergeTree
partition by toYYYYMM(visit_date)
order by (site_id, visit_date, visitor_id, visit_id);

drop table if exists funnel_states_mv;

drop table if exists funnel_states;

-- The window of a funnel is one day.
create table if not exists funnel_states (
    site_id UInt32,
    local_date Date,
    funnel_id UInt32,
    bot Bool,
    visitor_id UInt64,
    state AggregateFunction(windowFunnel(362387865600000), UInt64,
        UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, funnel_id, bot, visitor_id);
