-- Members of a segment as persons: consent, Sec-GPC, and the contact data that their visitors told, the last one
-- first. Grain: one row a person. Each of `told` has moment, visitor, and value and moment of every form.
-- Parameters: site, segment, ends, part.
with
    members as (
        select visitor_id, person_id
        from current_members
        where
            site_id = {site:UInt32}
            and segment = {segment:String}
            and (empty({ends:Array(UInt8)}) or split_part({segment:String}, person_id, {ends:Array(UInt8)}) = {part:UInt8})
    ),
    forms as (
        select
            visitor_id,
            max(told_at) as at,
            mapFromArrays(groupArray(form), groupArray(value)) as texts,
            mapFromArrays(groupArray(form), groupArray(told_at)) as times
        from identities
        where site_id = {site:UInt32} and visitor_id in (select visitor_id from members)
        group by visitor_id
    ),
    spoken as (
        select
            m.person_id as person_id,
            argMaxIf(e.consent, (e.timestamp, e.received_at), e.consent != '') as consent,
            max(e.gpc) as gpc
        from events as e
        inner join members as m on m.visitor_id = e.visitor_id
        where e.site_id = {site:UInt32}
        group by person_id
    ),
    contacts as (
        select m.person_id as person_id, arrayReverseSort(t -> (t.1, t.2), groupArray((f.at, f.visitor_id, f.texts, f.times))) as told
        from forms as f
        inner join members as m on m.visitor_id = f.visitor_id
        group by person_id
    )
select m.person_id as person_id, s.consent as consent, s.gpc as gpc, c.told as told
from (select distinct person_id from members) as m
left join spoken as s on s.person_id = m.person_id
left join contacts as c on c.person_id = m.person_id
