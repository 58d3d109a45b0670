-- User ids of a site that are in a group, and the one that stands for it. Grain: one row a user.
select user_id, group_user_id
from user_groups final
where site_id = {site:UInt32} and group_user_id != ''
