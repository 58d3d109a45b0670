-- Funnels. `funnels` holds definitions (newest row by updated_at counts), `funnel_states` one windowFunnel
-- state a visitor and day, for funnels of up to eight steps.

create table if not exists funnels (
    site_id UInt32,
    funnel_id UInt32,
    name String,
    steps Array(Tuple(name String, path String)) comment 'event name, and a LIKE pattern on the path (empty: any)',
    deleted Bool,
    updated_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(updated_at)
order by (site_id, funnel_id);

-- The window of a funnel is one day in eighths of a millisecond: windowFunnel takes no DateTime64, and the eighths
-- put an event's later steps before its earlier ones (derivations/funnel_states.sql).
create table if not exists funnel_states (
    site_id UInt32,
    local_date Date,
    funnel_id UInt32,
    bot Bool,
    visitor_id UInt64,
    state AggregateFunction(windowFunnel(691200000), UInt64,
        UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, funnel_id, bot, visitor_id);
