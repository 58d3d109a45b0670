-- Pages on which visits began. Grain: one row a path. Parameters: site, first, last, bots, limit.
-- Visits without a page view have no entry page and are left out.
select
    entry_page as page,
    uniq(visitor_id) as visitors,
    count() as visits,
    countIf(bounce) / visits as bounce_rate,
    sum(duration) / visits as visit_duration
from visits_merged
where site_id = {site:UInt32}
    and visit_date between {first:Date} and {last:Date}
    and (not bot or {bots:Bool})
    and pageviews > 0
group by page
order by visits desc, visitors desc, page
limit {limit:UInt32}
settings optimize_aggregation_in_order = 1
