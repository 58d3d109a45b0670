-- Sites whose removal was begun and not finished. Grain: one row a site, by id.
select site_id, domain
from sites final
where removed_at is not null and domain != ''
order by site_id
