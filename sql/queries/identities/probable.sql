-- Pairs of visitors that are probably one person: the same device signals, which few visitors have, in the same place,
-- never at the same time, at similar hours. Grain: one row a pair. Parameters: site, since, least, limit.
with
    visitors as (
        select
            visitor_id,
            max(e.user_id) as user_id,
            argMax((e.user_agent, e.screen, e.language, e.country, e.city), e.timestamp) as signals,
            cityHash64(signals) as signature,
            signals.5 as city,
            groupUniqArray(intDiv(toUnixTimestamp(e.timestamp), 1800)) as half_hours,
            arrayMap(hour -> countEqual(groupArray(toHour(e.timestamp)), hour), range(24)) as rhythm
        from events as e
        where site_id = {site:UInt32} and local_date >= {since:Date} and not bot
        group by visitor_id
        having signals.2 != ''
    ),
    rare as (
        select signature, count() as sharing, groupArray(visitor_id) as ids
        from visitors
        group by signature
        having sharing between 2 and 5
    )
select
    a.visitor_id as visitor_id,
    b.visitor_id as other_visitor_id,
    round(0.3 + 0.3 * (2 / r.sharing) + 0.1 * (a.city != '') + 0.3 * (1 - cosineDistance(a.rhythm, b.rhythm)), 2) as score,
    arrayFilter(reason -> reason != '', [
        concat('same device signals, shared by ', toString(r.sharing), ' visitors'),
        if(a.city != '', concat('both in ', a.city), ''),
        'never at the same time',
        concat('hours alike to ', toString(round(100 * (1 - cosineDistance(a.rhythm, b.rhythm)))), ' %')
    ]) as reasons
from rare as r
array join r.ids as id
inner join visitors as a on a.visitor_id = id
inner join visitors as b on b.signature = a.signature
where
    a.visitor_id < b.visitor_id
    and not hasAny(a.half_hours, b.half_hours)
    and (a.user_id = '' or b.user_id = '' or a.user_id = b.user_id)
    and score >= {least:Float64}
order by score desc, visitor_id, other_visitor_id
limit {limit:UInt32}
