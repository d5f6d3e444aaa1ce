-- +goose Up

-- External numbers whose document was never made. The row in documents stays as
-- it is; that it counts as void stands here, with its reason. Rows are never
-- changed.
create table annulments (
    tenant    text collate "C" not null,
    series    text collate "C" not null,
    period    text collate "C" not null,
    number    bigint not null,
    reason    text not null,
    key_id    text collate "C" not null,
    voided_at timestamptz not null,
    primary key (tenant, series, period, number),
    foreign key (tenant, series, period, number) references documents (tenant, series, period, number)
);
select grant_rights('annulments', 'select', 'select, insert', 'select', 'select');
select build_wall('annulments', 'tenant');

-- +goose Down
drop table annulments;
