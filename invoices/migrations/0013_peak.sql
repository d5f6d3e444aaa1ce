-- +goose Up

-- The highest mark that was ever noted for a series since it begins at first: a
-- mark is lowered when rows are found to be gone, and what is gone stays known by
-- this, until it has rows again. The program before this one does not write it: a
-- mark that is higher counts instead.
alter table audited add column peak bigint not null default 0;

-- Which series a note is about is not changed.
select grant_rights('audited', 'select', '', 'select', 'select, insert, update (first, mark, issued, void, audited_at, peak)');

-- +goose Down
select grant_rights('audited', 'select', '', 'select', 'select, insert, update');
alter table audited drop column peak;
