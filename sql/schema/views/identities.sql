-- Contact data that visitors told, as hashes unless their site keeps texts. Grain: one row a visitor and form; the last
-- one told counts. Forms are those of collector/event/contact.py.
create or replace view identities as
select
    site_id,
    visitor_id,
    substring(told.1, 9) as form,
    argMax(told.2, arrival_order(timestamp, received_at, batch_seq, event_id)) as value,
    max(timestamp) as told_at
from events
array join arrayFilter(pair -> startsWith(pair.1, 'contact.'), arrayZip(mapKeys(props), mapValues(props))) as told
where name = 'identify'
group by site_id, visitor_id, form
