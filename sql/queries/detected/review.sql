-- What was detected, in groups that look alike, what most needs a look first. Grain: one row a name, kind (corrected
-- and as detected), confidence, rule, selector and text. Reads `scoped`: detected events. Parameters: confidence and
-- kind (empty: any), limit.
select
    name,
    kind,
    kind_detected as detected,
    confidence,
    rule,
    selector,
    text,
    count() as events,
    uniqExact(visitor_id) as visitors,
    max(timestamp) as last_seen,
    argMax(url, (timestamp, event_id)) as page,
    nullIf(override, '') as override
from scoped
where ({confidence:String} = '' or confidence = {confidence:String})
    and ({kind:String} = '' or kind = {kind:String})
group by name, kind, kind_detected, confidence, rule, selector, text, override
order by indexOf(['low', 'medium', 'high', 'reviewed'], confidence), events desc, name, kind, rule, selector, text
limit {limit:UInt32}
