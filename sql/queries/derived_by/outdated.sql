-- Days of raw events that were derived by another version than the one given, or by one that was not written down.
-- Grain: one row a derivation and month (YYYYMM). Parameters: derivations, versions (as long), sites, first, last.
with
    (select (sites, since) from raw_horizons) as raw,
    made as (
        select site_id, derivation, day, groupUniqArray(splitByChar(' ', toString(version))[-1]) as hashes, min(version) as oldest
        from (
            select *, max(if(whole, at, toDateTime64(0, 3, 'UTC'))) over (partition by site_id, derivation, day) as since
            from derived_by final
        )
        where at >= since
        group by site_id, derivation, day
    ),
    wanted as (
        select distinct site_id, day, tupleElement(asked, 1) as derivation, splitByChar(' ', tupleElement(asked, 2))[-1] as hash
        from revisions
        array join arrayZip({derivations:Array(String)}, {versions:Array(String)}) as asked
        where site_id in {sites:Array(UInt32)} and day between {first:Date} and {last:Date}
            and site_id in (select site_id from sites final where removed_at is null)
    )
select
    w.derivation as derivation,
    toYYYYMM(w.day) as month,
    min(w.day) as first,
    max(w.day) as last,
    count() as days,
    min(m.oldest) as oldest
from wanted as w
left join made as m on m.site_id = w.site_id and m.derivation = w.derivation and m.day = w.day
where m.hashes != [w.hash]
    and w.day >= transform(w.site_id, tupleElement(raw, 1), tupleElement(raw, 2), toDate('1970-01-01'))
group by derivation, month
order by derivation, month
