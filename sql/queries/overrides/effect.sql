-- What another version of an override makes of people's detected events: those that it decides before or after, where
-- something changes. Grain: one row a kind before and after. Reads `next_rules`: `override_rules` with that version.
-- Parameters: site, first, last, override.
with (select rules from next_rules) as rules
select
    kind as was,
    if(rank = 0, kind_detected, transform(rank, tupleElement(rules, 2), tupleElement(rules, 3), '')) as becomes,
    count() as events,
    uniqExact(visitor_id) as visitors
from (
    select *, deciding_rank(rules, site_id, name, rule, selector, text) as rank
    from detected_events
    where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and not bot
)
where (override = {override:String}) != (transform(rank, tupleElement(rules, 2), tupleElement(rules, 4), '') = {override:String})
    or (override = {override:String} and was != becomes)
group by was, becomes
order by events desc, was, becomes
