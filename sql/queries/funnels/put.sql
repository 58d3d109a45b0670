-- Writes a funnel's definition, or removes it. Parameters: site, funnel, name, steps, window, order, excluded, deleted.
insert into funnels (site_id, funnel_id, name, steps, window_seconds, step_order, excluded, deleted, updated_at)
select
    {site:UInt32},
    {funnel:UInt32},
    {name:String},
    {steps:Array(Tuple(String, String))},
    {window:UInt32},
    {order:String},
    {excluded:Array(Tuple(String, String))},
    {deleted:Bool},
    now64(3)
