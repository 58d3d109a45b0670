-- How many events say that a visitor was one of these users. Grain: one row a user that is known.
-- Parameters: site, users.
select user_id, sum(events) from identity_links where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
group by user_id
