-- Which steps are applied, with the checksum of the newest application. Grain: one row a step.
select name, argMax(checksum, applied_at) as checksum from schema_steps group by name order by name
