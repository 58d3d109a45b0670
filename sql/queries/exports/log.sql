-- Exports of a site, or those of one name, the newest first. Grain: one row a run.
-- Parameters: site, export, limit.
select
    toDateTime64(intDiv(run, 1000), 0, 'UTC') as at,
    export,
    what,
    target,
    rows,
    people,
    added,
    removed,
    arrayStringConcat(arrayMap(pair -> concat(pair.1, ' ', toString(pair.2)), arrayZip(mapKeys(left_out), mapValues(left_out))), ', ') as left_out,
    arrayStringConcat(files, ' ') as files,
    arrayStringConcat(sha256, ' ') as sha256,
    definition,
    status,
    error
from exports
where site_id = {site:UInt32} and (export = {export:String} or {export:String} = '')
order by run desc, export
limit {limit:UInt32}
