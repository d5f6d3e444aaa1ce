-- +goose Up

-- What a series lets the counter and its documents do. reuse_within is in
-- seconds: freed numbers older than that become void instead of being given
-- again. A range is what a tax office has authorised.
alter table series
    add column numbering      text   not null default 'block' check (numbering in ('block', 'strict')),
    add column start          bigint not null default 1 check (start between 1 and 9007199254740991),
    add column reuse_within   bigint not null default 86400 check (reuse_within >= 0),
    add column range_first    bigint,
    add column range_last     bigint,
    add column expires_on     date,
    add column warn_left      bigint not null default 0 check (warn_left >= 0),
    add column document       text   not null default 'invoice' check (document in ('invoice', 'credit_note')),
    add column closed_through date,
    add constraint series_range check (
        num_nulls(range_first, range_last) in (0, 2) and
        (range_first is null or range_first between 1 and range_last and range_last <= 9007199254740991) and
        (range_first is not null or expires_on is null and warn_left = 0));

-- Who the tenant is, as its documents say it. What is empty is not printed.
alter table tenants
    add column legal_name       text not null default '',
    add column tax_id           text not null default '',
    add column address          json,
    add column default_currency text not null default '';

-- Every tenant has a series for credit notes, too.
insert into series (tenant, name, format, period, on_loss, document, created_at)
select t.name, 'credit-note', 'CN-{yyyy}-{seq:6}', 'year', 'reuse', 'credit_note', clock_timestamp()
from tenants t
on conflict do nothing;

-- kind tells what an issued row is; 'external' is a number whose document lives
-- elsewhere. A credit note names what it credits. Of a document that did not come
-- from a block (a strict series, an import) nothing is said of one.
alter table documents
    add column kind           text collate "C" not null default 'invoice' check (kind in ('invoice', 'credit_note', 'external')),
    add column reference      text,
    add column credits_series text collate "C",
    add column credits_period text collate "C",
    add column credits_number bigint,
    add constraint documents_credits check (num_nulls(credits_series, credits_period, credits_number) in (0, 3)),
    drop constraint documents_issued,
    add constraint documents_issued check (status <> 'issued' or (
        reason is null and
        num_nulls(request_id, digest, key_id, issue_date, printed_number) = 0 and
        num_nulls(holder, block_serial, block_first, block_last) in (0, 4) and
        (kind = 'external' and num_nonnulls(currency, net, tax, gross, content) = 0 or
         kind <> 'external' and num_nulls(currency, net, tax, gross, content) = 0)));

-- A printed number is a tenant's once, whatever series it is printed by.
create unique index documents_printed on documents (tenant, printed_number) where printed_number is not null;

-- +goose Down
drop index documents_printed;
alter table documents
    drop constraint documents_issued, drop constraint documents_credits,
    drop column kind, drop column reference, drop column credits_series, drop column credits_period, drop column credits_number;
alter table tenants drop column legal_name, drop column tax_id, drop column address, drop column default_currency;
alter table series
    drop constraint series_range, drop column numbering, drop column start, drop column reuse_within, drop column range_first, drop column range_last,
    drop column expires_on, drop column warn_left, drop column document, drop column closed_through;
