-- Visitors of the persons in the CTE `found` who belong to any segment, with the places of these. Grain: one row a
-- visitor.
select arrayJoin(visitors) as visitor_id, person_id, places from found where notEmpty(places)
