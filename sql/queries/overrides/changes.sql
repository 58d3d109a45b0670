-- What a new override would decide, people's events alone: those it fits that no override with more criteria decides.
-- Grain: one row a kind. Parameters: site, first, last, kind, name, rule, selector, text (null: any).
select
    kind as was,
    {kind:String} as becomes,
    count() as events,
    uniqExact(visitor_id) as visitors
from detected_events
where site_id = {site:UInt32}
    and local_date between {first:Date} and {last:Date}
    and not bot
    and ({name:Nullable(String)} is null or name = {name:Nullable(String)})
    and ({rule:Nullable(String)} is null or rule = {rule:Nullable(String)})
    and ({selector:Nullable(String)} is null or selector = {selector:Nullable(String)})
    and ({text:Nullable(String)} is null or text = {text:Nullable(String)})
    and bitShiftRight(override_rank, 32) <= ({name:Nullable(String)} is not null) + ({rule:Nullable(String)} is not null)
        + ({selector:Nullable(String)} is not null) + ({text:Nullable(String)} is not null)
group by was
order by events desc, was
