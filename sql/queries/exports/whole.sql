-- Rows of the audience that is being exported. Grain: one row a row of the file.
select distinct cells from work_export where reason = '' order by cells
