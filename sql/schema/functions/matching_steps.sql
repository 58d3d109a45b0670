-- Which of up to eight steps an event matches: bit n - 1 for the n-th.
create or replace function matching_steps as (name, path, names, paths) -> toUInt16(
    is_step(name, path, names, paths, 1)
    + is_step(name, path, names, paths, 2) * 2
    + is_step(name, path, names, paths, 3) * 4
    + is_step(name, path, names, paths, 4) * 8
    + is_step(name, path, names, paths, 5) * 16
    + is_step(name, path, names, paths, 6) * 32
    + is_step(name, path, names, paths, 7) * 64
    + is_step(name, path, names, paths, 8) * 128
)
