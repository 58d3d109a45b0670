-- Which users visitors were. Grain: one row a visitor and user id. `first_at` is when it was told first.
create or replace view identity_links as
select site_id, visitor_id, user_id, min(timestamp) as first_at, max(timestamp) as last_at, count() as events
from events
where user_id != ''
group by site_id, visitor_id, user_id
