-- +goose Up

-- Where the numbers of a series begin in one period, if its first number there
-- was imported: the lowest one. Without a row a period begins at the series' start.
create table series_starts (
    tenant text collate "C" not null,
    series text collate "C" not null,
    period text collate "C" not null,
    first  bigint not null check (first between 1 and 9007199254740991),
    primary key (tenant, series, period)
);

-- One row per file that is being moved in, or was. How far the file is staged is
-- written in the transaction that stages: lines and bytes read, rows and parts kept.
-- rules are those by which the rows were made.
create table imports (
    import     text collate "C" primary key,
    tenant     text collate "C" not null,
    state      text collate "C" not null check (state in ('staging', 'stored', 'done')),
    rules      text not null,
    lines      bigint not null default 0,
    bytes      bigint not null default 0,
    rows       bigint not null default 0,
    parts      bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp()
);

-- What an import brought to each series and period, once its rows are stored.
create table import_series (
    import text collate "C" not null references imports (import) on delete cascade,
    series text collate "C" not null,
    period text collate "C" not null,
    first  bigint not null,
    last   bigint not null,
    rows   bigint not null,
    primary key (import, series, period)
);

-- Rows on their way into documents. A crash of Postgres empties an unlogged table;
-- the counts in imports show it, and the file is staged anew.
create unlogged table import_rows (
    import          text collate "C" not null,
    line            bigint not null,
    series          text collate "C" not null,
    period          text collate "C" not null,
    number          bigint not null,
    status          text collate "C" not null,
    created_at      timestamptz not null,
    kind            text collate "C" not null,
    request_id      text collate "C",
    item            integer not null,
    digest          bytea,
    key_id          text collate "C",
    issue_date      date,
    currency        text collate "C",
    net             numeric,
    tax             numeric,
    gross           numeric,
    printed_number  text collate "C",
    content         text,
    reference       text,
    reason          text collate "C",
    credits_series  text collate "C",
    credits_period  text collate "C",
    credits_number  bigint,
    credits_printed text collate "C",
    primary key (import, line)
);

-- What else an export has of a tenant, line by line.
create unlogged table import_parts (
    import text collate "C" not null,
    line   bigint not null,
    part   text collate "C" not null,
    body   text not null,
    primary key (import, line)
);

-- The counter asks where a period begins; all else is administration.
select grant_rights('series_starts', '', 'select', '', '');
select grant_rights('imports', '', '', '', '');
select grant_rights('import_series', '', '', '', '');
select grant_rights('import_rows', '', '', '', '');
select grant_rights('import_parts', '', '', '', '');

-- +goose Down
drop table import_parts, import_rows, import_series, imports, series_starts;
