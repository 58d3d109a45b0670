-- The local day of a moment. `starts` are moments (seconds since 1970 UTC, ascending) from which on an offset to UTC in
-- `offsets` (seconds) holds; before all of them the first one does.
create or replace function dated as (moment, starts, offsets) ->
    toDate(toUInt16(intDiv(
        toUnixTimestamp(moment) + arrayElement(offsets, greatest(1, arrayLastIndex(x -> x <= toUnixTimestamp(moment), starts))),
        86400
    )))
