-- Offsets of a zone from UTC, in seconds, as ClickHouse has them. Grain: one row a moment, in its order.
-- Parameters: zone, moments (seconds since 1970 UTC).
select timeZoneOffset(toTimeZone(toDateTime(moment, 'UTC'), {zone:String})) as offset
from (select arrayJoin({moments:Array(UInt32)}) as moment)
order by moment
