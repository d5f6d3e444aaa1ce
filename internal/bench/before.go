package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"folio/internal/devcluster/postgres"
)

// errSkipped: this machine lacks what a scenario needs.
var errSkipped = errors.New("pg_stat_statements is not installed (it is part of Postgres' contrib)")

// before does what a scenario needs besides the sides.
func (b *bench) before(ctx context.Context, s scenario) error {
	switch s.name {
	case "statements":
		if can, err := b.stack.server.CanRemember(ctx); !can || err != nil {
			return cmp.Or(err, errSkipped)
		}
		if err := b.stack.server.Remember(ctx); err != nil {
			return err
		}
		if err := b.stack.restart(ctx, postgres.Fast); err != nil {
			return fmt.Errorf("start Postgres with pg_stat_statements: %w", err)
		}
		return b.stack.server.Forget(ctx)
	case "growth":
		return b.grow(ctx)
	}
	return nil
}

// restart starts Postgres anew.
func (s *stack) restart(ctx context.Context, how syscall.Signal) (err error) {
	if err := s.postgres.Restart(ctx, how); err != nil {
		return err
	}
	s.postmaster, err = s.server.Postmaster(ctx)
	return err
}

// readStatements adds what Postgres remembers of the statements of each side.
func readStatements(ctx context.Context, turns []*turn, results []result) (err error) {
	for i, t := range turns {
		if results[i].Missing != "" || t.side.entrant == "strict" { // block's table has the statements of both
			continue
		}
		if results[i].Statements, err = t.stack.server.Statements(ctx, t.entrant.database(), 8); err != nil {
			return err
		}
	}
	return nil
}

// tellStatements prints the statements of each side that has some.
func (b *bench) tellStatements(results []result) {
	for _, r := range results {
		if len(r.Statements) == 0 {
			continue
		}
		fmt.Fprintf(b.out, "  in the database of %s:\n", r.Side)
		for _, s := range r.Statements {
			text := []rune(s.Text)
			fmt.Fprintf(b.out, "    %8d calls %9.1f µs each %7.1f rows each %8.0f bytes of WAL each  %s\n",
				s.Calls, s.Seconds/float64(s.Calls)*1e6, float64(s.Rows)/float64(s.Calls), float64(s.WAL)/float64(s.Calls), string(text[:min(len(text), 90)]))
		}
	}
}

// grow starts a second stack whose database has the invoices of a year before: as many
// for each tenant.
func (b *bench) grow(ctx context.Context) (err error) {
	if err := b.makeRoom(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "  making %d tenants and %d invoices …\n", b.flags.GrownCrowd, b.flags.GrownRows)
	if b.grown, err = startStack(ctx, filepath.Join(b.dir, "grown"), b.flags.GrownCrowd); err != nil {
		return err
	}
	const step = 100_000
	for from := 0; from < b.flags.GrownRows; from += step {
		to := min(from+step, b.flags.GrownRows)
		if err := b.grown.server.Execute(ctx, "folio", fmt.Sprintf(grown, b.flags.GrownCrowd, from, to-1)); err != nil {
			return err
		}
	}
	if err := b.grown.server.Execute(ctx, "folio", `vacuum analyze documents`, `checkpoint`); err != nil {
		return err
	}
	return b.stack.server.Execute(ctx, "folio", `vacuum analyze documents`, `checkpoint`)
}

// grown inserts invoices of the year before into the table, one of each tenant in turn:
// of how many tenants, from the first, to the last.
const grown = `
	insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
		currency, net, tax, gross, printed_number, content, kind)
	select 'tenant-' || i %% %[1]d, 'invoice', '2000', i / %[1]d + 1, 'issued', timestamptz '2000-01-01' + i * interval '1 ms',
		'c:old-' || i, sha256(cast(cast(i as text) as bytea)), 'key_old', date '2000-12-31', 'EUR', 402.5, 76.48, 478.98,
		'INV-2000-' || lpad(cast(i / %[1]d + 1 as text), 6, '0'),
		json_build_object('series', 'invoice', 'currency', 'EUR', 'customer', json_build_object('name', 'Customer ' || i),
			'lines', json_build_array(json_build_object('description', 'Translation', 'quantity', '5', 'unit_price', '80.50',
				'tax', json_build_object('category', 'S', 'rate', '19'))),
			'totals', json_build_object('net', '402.50', 'tax', '76.48', 'gross', '478.98')),
		'invoice'
	from generate_series(%[2]d, %[3]d) as i`
