-- How many rows the CTE `changes` adds and removes. Grain: one row.
select countIf(entered), countIf(not entered) from changes
