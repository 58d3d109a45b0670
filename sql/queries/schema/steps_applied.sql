-- Which steps are applied, with the checksum of the newest application; those that were taken back have none.
-- Grain: one row a step.
select name, argMax(checksum, applied_at) as checksum from schema_steps group by name having checksum != '' order by name
