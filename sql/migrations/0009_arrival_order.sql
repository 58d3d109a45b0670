-- The order of events in a visit: by time, and within one millisecond by arrival. Batches without timestamps and log
-- lines of one second share their time, and the order in which they came is all that is known of them.
-- States are ordered by that number, so tables that hold such states are made again; their views, whose text changed
-- with this migration, then fill them from raw events.

-- 42 bits of time, 42 of arrival, 20 of the place among the events that were loaded together, 22 that tell apart what
-- is left. A 128-bit number costs an aggregation a few percent more than a 64-bit one, a tuple four times as much.
create or replace function arrival_order as (timestamp, received_at, batch_seq, event_id) ->
    toUInt128(toUnixTimestamp64Milli(timestamp)) * toUInt128('19342813113834066795298816')
    + toUInt128(toUnixTimestamp64Milli(received_at) * 1048576 + least(batch_seq, 1048575)) * 4194304
    + bitAnd(cityHash64(event_id), 4194303);

-- The moment of a funnel's step, in 2^-22 of a millisecond, since windowFunnel takes no more than 64 bits: time, then
-- the place among the events that were loaded together, then later steps before earlier ones, so that one event counts
-- for one step.
create or replace function funnel_moment as (timestamp, batch_seq, step) ->
    toUInt64(toUnixTimestamp64Milli(timestamp)) * 4194304 + toUInt64(least(batch_seq, 524287) * 8 + 8 - step);

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
order by (site_id, visit_date, visitor_id, visit_id)
settings non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, min_parts_to_merge_at_once = 8;

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
order by (site_id, local_date, funnel_id, bot, visitor_id)
settings non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, min_parts_to_merge_at_once = 8;
