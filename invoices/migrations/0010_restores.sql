-- +goose Up

-- resumed_epoch is the last announced restore whose lost numbers are accounted
-- for: until it is the epoch, nobody enrols. The program before this one does not
-- look at it. beat counts how often a witness outside of Postgres was told how far
-- Postgres has come: a server that was put back has counted less.
alter table restores
    add column resumed_epoch bigint not null default 0,
    add column beat          bigint not null default 0;
update restores set resumed_epoch = epoch;

select grant_rights('restores', '', 'select', 'select, update (beat)', 'select');

-- The eras in which every number that a failover may have lost is accounted for.
create table sweeps (
    era      text collate "C" primary key,
    swept_at timestamptz not null default clock_timestamp()
);
insert into sweeps (era) select current_era();

select grant_rights('sweeps', '', '', 'select, insert', 'select');

-- +goose Down
drop table sweeps;
select grant_rights('restores', '', 'select', 'select', 'select');
alter table restores drop column resumed_epoch, drop column beat;
