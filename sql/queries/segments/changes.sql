-- What a refresh changes in a segment. Grain: one row a visitor who entered or left; in the order of segment_members.
-- Parameters: site, segment, refresh, place.
select
    {site:UInt32} as site_id,
    {segment:String} as segment,
    visitor_id,
    max(person) as person_id,
    {refresh:UInt64} as refresh,
    max(is_member) as entered
from (
    select visitor_id, person_id as person, true as is_member, false as was_member
    from work_members
    where place = {place:UInt16}
    union all
    select visitor_id, person_id, false, true
    from current_members
    where site_id = {site:UInt32} and segment = {segment:String}
)
group by visitor_id
having max(is_member) != max(was_member)
