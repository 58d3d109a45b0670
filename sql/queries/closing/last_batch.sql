-- The number of the last batch that was brought in.
select max(batch_no) from revisions
