-- Columns of the tables of this database. Grain: one row a column. `more` is what is said of it besides its type.
select
    table,
    name,
    type,
    trim(concat(
        if(default_kind = '', '', concat(' ', default_kind, ' ', default_expression)),
        if(comment = '', '', concat(' comment ''', replaceAll(comment, '''', ''''''), '''')),
        if(compression_codec = '', '', concat(' ', compression_codec))
    )) as more
from system.columns
where database = currentDatabase()
order by table, position
