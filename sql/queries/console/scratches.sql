-- Scratch databases that a killed command left, by name. Parameters: like.
select name from system.databases where name like {like:String} order by name
