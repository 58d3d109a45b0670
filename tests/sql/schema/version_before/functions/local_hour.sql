-- The local hour that a moment lies in: the last of `starts` (seconds since 1970 UTC, ascending) that is not after it; 0
-- for a moment before all of them, and from `until` on. Local hours are worked out where local days are, by the
-- package tzdata: the time zones that ClickHouse has may be of another release.
create or replace function local_hour as (moment, starts, until) ->
    if(
        toUnixTimestamp(moment) < arrayElement(starts, 1) or toUnixTimestamp(moment) >= until,
        0,
        roundDown(toUnixTimestamp(moment), starts)
    )
