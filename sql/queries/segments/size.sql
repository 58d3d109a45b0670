-- How many visitors the CTE `members` has. Grain: one row.
select count() as members from members
