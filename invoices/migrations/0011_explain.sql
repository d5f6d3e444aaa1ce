-- +goose Up

-- What explains a row, as far as whoever wrote it knew: nothing is asked of rows
-- that have none of it, such as those of the program before.
--
-- block_at and block_revision tell when its block was reserved, and at which
-- revision of etcd; the revision is null if etcd's answer was lost. void_by is who
-- made a number void: a holder, the id of an API key, or 'operator'; void_note is
-- what was known then, as a sentence without names of holders.
alter table documents
    add column block_at       timestamptz,
    add column block_revision bigint,
    add column void_by        text collate "C",
    add column void_note      text;

-- A tenant may ask what became of a number, so the reader has to know where its
-- series begin.
select grant_rights('series_starts', 'select', 'select', '', '');
select build_wall('series_starts', 'tenant');

-- Of a number of a strict series only the imports tell whether it was moved in.
select grant_rights('imports', 'select (import, tenant)', '', '', '');
select grant_rights('import_series', 'select', '', '', '');
select build_wall('imports', 'tenant');
alter table import_series enable row level security;
create policy one_tenant on import_series to folio_reader using (exists (select from imports i where i.import = import_series.import));

-- +goose Down
drop policy one_tenant on import_series;
drop policy one_tenant on imports;
drop policy all_tenants on imports;
alter table import_series disable row level security;
alter table imports disable row level security;
select grant_rights('imports', '', '', '', '');
select grant_rights('import_series', '', '', '', '');
drop policy one_tenant on series_starts;
drop policy all_tenants on series_starts;
alter table series_starts disable row level security;
select grant_rights('series_starts', '', 'select', '', '');
alter table documents drop column block_at, drop column block_revision, drop column void_by, drop column void_note;
