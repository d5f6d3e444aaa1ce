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

-- +goose Down
drop policy one_tenant on series_starts;
drop policy all_tenants on series_starts;
alter table series_starts disable row level security;
select grant_rights('series_starts', '', 'select', '', '');
alter table documents drop column block_at, drop column block_revision, drop column void_by, drop column void_note;
