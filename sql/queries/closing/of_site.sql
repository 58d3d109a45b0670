-- What is closed of a site. Grain: one row. Columns: until (the last closed day of visits; 1970-01-01: none),
-- open (days up to then that a later batch has touched), months (closed ones, as table and first day).
-- Parameters: site, first, last (local dates).
with
    revised as (
        select day, batch_no
        from revisions final
        where site_id = {site:UInt32}
            and day between toStartOfMonth({first:Date}) and toLastDayOfMonth({last:Date})
    ),
    closed as (
        select derived, day, batch_no
        from closings final
        where site_id = {site:UInt32}
            and day between toStartOfMonth({first:Date}) and {last:Date}
            and batch_no > 0
    )
select
    (select max(day) from closed where derived = 'closed_visits') as until,
    (
        select groupArray(r.day)
        from revised as r
        left join (select day, batch_no from closed where derived = 'closed_visits') as c on c.day = r.day
        where r.batch_no > c.batch_no and r.day <= until
    ) as open,
    (
        select groupArray((toString(c.derived), c.day))
        from closed as c
        inner join (select toStartOfMonth(day) as month, max(batch_no) as batch_no from revised group by month) as m
            on m.month = c.day
        where c.derived != 'closed_visits' and c.batch_no >= m.batch_no
    ) as months
