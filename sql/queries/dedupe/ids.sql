-- Notes the ids that stand more than once on a site. One slice of all ids a time, so that they find room in memory.
-- Parameters: site (0: all), first, last (local dates), slices, slice.
insert into dedupe_ids
select
    site_id,
    event_id
from events
where local_date between {first:Date} and {last:Date}
    and ({site:UInt32} = 0 or site_id = {site:UInt32})
    and sipHash64(event_id) % {slices:UInt32} = {slice:UInt32}
group by
    site_id,
    event_id
having count() > 1
