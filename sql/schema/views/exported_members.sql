-- Rows of audiences that platforms have by the last export. Grain: one row a site, export and row of the audience.
create or replace view exported_members as
select site_id, export, cells
from export_members as m
where (site_id, export, run) in (select site_id, export, run from exports where status = 'done')
group by site_id, export, cells
having argMax(entered, run)
