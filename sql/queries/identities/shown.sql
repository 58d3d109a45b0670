-- Visitors of the persons whom a user or visitor belongs to, with the contact data that they told. Grain: one row a
-- visitor.
-- Parameters: site, users, visitors, limit.
with wanted as (
    select person_id
    from persons
    where
        site_id = {site:UInt32}
        and (
            has({users:Array(String)}, user_id)
            or has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from identity_links
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
)
select
    p.person_id as person_id,
    p.user_id as user_id,
    p.visitor_id as visitor_id,
    l.users as users,
    l.first_at as first_at,
    l.last_at as last_at,
    i.forms as contact
from persons as p
inner join (
    select visitor_id, arraySort(groupArray(user_id)) as users, min(first_at) as first_at, max(last_at) as last_at
    from identity_links
    where site_id = {site:UInt32}
    group by visitor_id
) as l on l.visitor_id = p.visitor_id
left join (
    select visitor_id, arraySort(groupArray(form)) as forms
    from identities
    where site_id = {site:UInt32}
    group by visitor_id
) as i on i.visitor_id = p.visitor_id
where p.site_id = {site:UInt32} and p.person_id in (select person_id from wanted)
order by person_id, first_at, visitor_id
limit {limit:UInt32}
