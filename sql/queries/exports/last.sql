-- The last run of an export that was done. Grain: at most one row.
-- Parameters: site, export.
select run, what, target
from exports
where site_id = {site:UInt32} and export = {export:String} and status = 'done'
order by run desc
limit 1
