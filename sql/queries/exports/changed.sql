-- Rows that a run of an export adds, or removes. Grain: one row a row of the file.
-- Parameters: site, export, run, entered.
select cells
from export_members
where site_id = {site:UInt32} and export = {export:String} and run = {run:UInt64} and entered = {entered:Bool}
order by cells
