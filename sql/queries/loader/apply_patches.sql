-- Writes what lightweight updates changed into the parts themselves, in the background.
alter table events apply patches
