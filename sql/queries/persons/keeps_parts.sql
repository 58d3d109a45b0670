-- For how many seconds the engine keeps parts that are not used any more. Grain: one row.
select toUInt32(value) from system.merge_tree_settings where name = 'old_parts_lifetime'
