-- Who visitors are: the user that a visitor was first, or the one that stands for that user's group. Grain: one row a
-- visitor who was a user. A device that is shared belongs to who used it first. Events before count too.
create or replace view persons as
select
    l.site_id as site_id,
    l.visitor_id as visitor_id,
    if(g.group_user_id = '', l.first_user, g.group_user_id) as user_id,
    cityHash64('person', l.site_id, user_id) as person_id
from (
    select site_id, visitor_id, argMin(user_id, (first_at, user_id)) as first_user
    from identity_links
    group by site_id, visitor_id
) as l
left join (select site_id, user_id, group_user_id from user_groups final) as g
    on g.site_id = l.site_id and g.user_id = l.first_user
