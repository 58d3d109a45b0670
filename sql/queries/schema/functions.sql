-- Functions that were made by statements. Grain: one row a function.
select name, formatQuery(create_query) as create from system.functions where origin = 'SQLUserDefined' order by name
