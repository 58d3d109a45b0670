-- Whether an event is the n-th of some steps: of its name and, where the step has a LIKE pattern, on such a path.
create or replace function is_step as (name, path, names, paths, n) ->
    length(names) >= n and name = names[n] and (paths[n] = '' or path like paths[n])
