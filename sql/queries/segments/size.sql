-- How many persons the CTE `members` has: visitors of whom nobody is known count as one each. Grain: one row.
select uniqExact(person_id) as members from members
