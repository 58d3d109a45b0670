-- A statement as the engine writes it: one line, without comments. Nothing is carried out. Parameters: text.
select formatQuerySingleLine({text:String})
