-- A statement as the engine writes it. Grain: one row. Parameters: text.
select formatQuery({text:String})
