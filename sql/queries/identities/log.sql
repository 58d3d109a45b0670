-- Merges of user ids of a site and their ends, the newest first. Grain: one row an act. Parameters: site, limit.
select at, by, act, user_id, other_user_id, reason
from identity_log
where site_id = {site:UInt32}
order by at desc, user_id, other_user_id
limit {limit:UInt32}
