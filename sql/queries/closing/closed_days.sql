-- What a closed table holds as it is now. Grain: one row a site and day. Parameters: derived.
select site_id, day from closed_days where derived = {derived:String}
