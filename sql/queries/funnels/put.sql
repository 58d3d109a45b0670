-- Writes a funnel's definition, or removes it. Parameters: site, funnel, name, steps, deleted.
insert into funnels (site_id, funnel_id, name, steps, deleted, updated_at)
select {site:UInt32}, {funnel:UInt32}, {name:String}, {steps:Array(Tuple(String, String))}, {deleted:Bool}, now64(3)
