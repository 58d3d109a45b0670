drop view if exists current_members;

drop table if exists segment_members;

drop table if exists segment_refreshes;

drop table if exists work_members;
