-- What tells which days of a site are closed, and which are sampled. Grain: one row a fact and shard, whose batches
-- have numbers of their own (0: there are no shards). Columns: what (revised: a day and the last batch that touched
-- it; a closed table: a day that it holds, up to which batch; sampled: a day, and the least and the most that a
-- sampled event stands for, in millionths; horizon of what retention has removed: the first day that is whole;
-- imported: the first and the last day of daily totals), shard, day, number, most. Parameters: site, first, last
-- (local dates).
select 'revised' as what, shardNum() as shard, day, batch_no as number, toUInt64(0) as most
from revisions final
where site_id = {site:UInt32}
    and day between toStartOfMonth({first:Date}) and toLastDayOfMonth({last:Date})
union all
select toString(derived) as what, shardNum() as shard, day, batch_no as number, 0 as most
from closings final
where site_id = {site:UInt32}
    and day between toStartOfMonth({first:Date}) and {last:Date}
    and batch_no > 0
union all
select 'sampled' as what, shardNum() as shard, local_date as day, lightest as number, heaviest as most
from sampled_days final
where site_id = {site:UInt32}
    and local_date between {first:Date} and {last:Date}
union all
select concat('horizon ', what) as what, 0 as shard, since as day, 0 as number, 0 as most
from horizons final
where site_id = {site:UInt32} and since > '1970-01-01'
union all
select 'imported' as what, 0 as shard, arrayJoin([min(i.day), max(i.day)]) as day, 0 as number, 0 as most
from imported_days as i
where site_id = {site:UInt32}
having count() > 0
