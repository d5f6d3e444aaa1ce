-- +goose Up

-- The formats that a series had before its present one. What was printed by them
-- may not be printed again, by this series or another.
create table series_formats (
    tenant text collate "C" not null,
    name   text collate "C" not null,
    format text collate "C" not null,
    primary key (tenant, name, format),
    foreign key (tenant, name) references series (tenant, name)
);

-- +goose Down
drop table series_formats;
