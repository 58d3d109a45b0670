-- The moment of a funnel's step, in 2^-22 of a millisecond, since windowFunnel takes no more than 64 bits: time, then
-- the place among the events that were loaded together, then later steps before earlier ones, so that one event counts
-- for one step.
create or replace function funnel_moment as (timestamp, batch_seq, step) ->
    toUInt64(toUnixTimestamp64Milli(timestamp)) * 4194304 + toUInt64(least(batch_seq, 524287) * 8 + 8 - step)
