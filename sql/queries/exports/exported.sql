-- What an export has sent so far. Grain: one row a row of an audience, or a conversion.
-- Parameters: site, export.
select cells from exported_members where site_id = {site:UInt32} and export = {export:String}
