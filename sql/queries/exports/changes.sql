-- What the audience that is being exported changes since its last export. Grain: one row a row of the audience that is
-- new or gone; in the order of export_members.
-- Parameters: site, export, run.
select
    {site:UInt32} as site_id,
    {export:String} as export,
    cells,
    {run:UInt64} as run,
    max(is_now) as entered
from (
    select cells, true as is_now, false as was_there
    from work_export
    where reason = ''
    union all
    select cells, false, true
    from exported_members
    where site_id = {site:UInt32} and export = {export:String}
)
group by cells
having max(is_now) != max(was_there)
