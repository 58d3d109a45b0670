-- Funnels become definitions. Their steps are written as people write them: `\%` is %, `\_` is _, `\\` is \, % is *.

insert into definitions (site_id, kind, name, version, body, by, at, removed)
with
    char(1) as backslash, char(2) as percent, char(3) as underscore,
    path -> replaceAll(replaceAll(replaceAll(path, '\\\\', backslash), '\\%', percent), '\\_', underscore) as hidden,
    path -> replaceAll(replaceAll(replaceAll(path, backslash, '\\'), percent, '%'), underscore, '_') as back,
    steps -> toJSONString(arrayMap(
        step -> concat(step.1, if(step.2 = '', '', ':'), back(replaceAll(hidden(step.2), '%', '*'))), steps
    )) as written
select
    site_id,
    'funnel',
    name,
    1,
    concat(
        '{"steps":', written(steps),
        if(window_seconds = 86400, '', concat(',"window":', toString(window_seconds))),
        if(step_order = 'ordered', '', concat(',"order":"', step_order, '"')),
        if(empty(excluded), '', concat(',"exclude":', written(excluded))),
        '}'
    ),
    '',
    updated_at,
    false
from funnels final
where not deleted;
