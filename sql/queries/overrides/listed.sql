-- Every override, removed ones too. Grain: one row an override. Parameters: site (0: all).
select
    o.override_id as id,
    d.domain as site,
    toString(o.kind) as kind,
    o.name as name,
    o.rule as rule,
    o.selector as selector,
    o.text as text,
    o.created_at as created,
    o.created_by as by,
    o.removed_at as removed,
    o.removed_by as removed_by
from event_overrides as o final
inner join (select site_id, domain from sites final) as d on d.site_id = o.site_id
where {site:UInt32} = 0 or o.site_id = {site:UInt32}
order by id
