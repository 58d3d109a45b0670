-- Moments of visitors who have a visit that is not what its events make of it (`torn`): its first event is gone, or
-- there is a gap over 30 minutes. Times in ms since 1970 UTC. Grain: one row a visit and moment.
-- Parameters: site, first, last (local dates on which torn visits began), since (the first day of whole raw events).
with torn as (
    select visitor_id, visit_id
    from events
    where site_id = {site:UInt32}
        and visit_date between {first:Date} and {last:Date}
        and local_date between {first:Date} and {last:Date} + 2
    group by visitor_id, visit_id
    having min(visit_start) != min(timestamp)
        or arrayExists(
            gap -> gap > 1800000,
            arrayPopFront(arrayDifference(arraySort(groupUniqArray(toUnixTimestamp64Milli(timestamp)))))
        )
)
select distinct
    cityHash64(visitor_id, visit_id, toUnixTimestamp64Milli(timestamp)) as key,
    visitor_id,
    visit_id,
    toUnixTimestamp64Milli(timestamp) as at,
    toUnixTimestamp64Milli(visit_start) as began,
    visit_date,
    toYYYYMM(local_date) as month,
    (visitor_id, visit_id) in torn as is_torn
from events
where site_id = {site:UInt32}
    and local_date between {first:Date} - 2 and {last:Date} + 3
    and visit_date >= {since:Date}
    and visitor_id in (select visitor_id from torn)
