-- Pairs of user ids of a site that are merged: their last act is a merge. Grain: one row a pair.
select least(user_id, other_user_id) as one, greatest(user_id, other_user_id) as other
from identity_log
where site_id = {site:UInt32}
group by one, other
having argMax(act, at) = 'merge'
order by one, other
