-- Page views of the months at work. Grain: one row a site, month, bot flag, host and path. Parameters: first, last.
select
    site_id,
    toStartOfMonth(d.local_date) as local_date,
    bot,
    hostname,
    path,
    sum(d.pageviews) as pageviews,
    uniqMergeState(d.visitors) as visitors,
    sum(d.checksum) as checksum
from daily_pages as d
where d.local_date between {first:Date} and {last:Date}
    and site_id in (select site_id from work_days)
group by site_id, local_date, bot, hostname, path
