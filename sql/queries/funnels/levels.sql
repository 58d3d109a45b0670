-- How many visitors got how far in a funnel, from stored states. Grain: one row a level reached (0: no step).
-- Parameters: site, first, last, bots, funnel. The window is part of the state's type (migration 0009).
with reached as (
    select visitor_id, windowFunnelMerge(362387865600000)(f.state) as level
    from funnel_states as f
    where site_id = {site:UInt32}
        and local_date between {first:Date} and {last:Date}
        and funnel_id = {funnel:UInt32}
        and (not bot or {bots:Bool})
    group by visitor_id
)
select level, count() as visitors from reached group by level order by level
