-- Visitors of the CTE `members` by place of a segment, as work_members has them. Grain: one row a place and visitor.
-- Parameters: site.
select {site:UInt32} as site_id, place, visitor_id, person_id from members array join places as place
