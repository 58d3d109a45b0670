-- Functions as the engine knows them. Grain: one row a function; an alias names what it stands for.
select name, toString(alias_to), toBool(case_insensitive), toString(origin) from system.functions
