-- What persons of a site said last of consent, and whether any of their browsers sends Sec-GPC. Grain: one row a
-- person.
select
    if(p.person_id = 0, e.visitor_id, p.person_id) as person,
    groupUniqArray(e.visitor_id) as visitors,
    argMaxIf(e.consent, (e.timestamp, e.received_at), e.consent != '') as consent,
    max(e.gpc) as gpc
from events as e
left join (select visitor_id, person_id from persons where site_id = {site:UInt32}) as p on p.visitor_id = e.visitor_id
where e.site_id = {site:UInt32}
group by person
