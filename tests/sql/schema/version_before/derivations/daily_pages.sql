-- Derives: daily_pages. Grain: site, local day, bot flag, host, path; page views only. Partition: local_date.
select
    site_id,
    local_date,
    bot,
    hostname,
    path,
    count() as pageviews,
    uniqState(e.visitor_id) as visitors
from events as e
where e.name = 'page_view'
group by site_id, local_date, bot, hostname, path
