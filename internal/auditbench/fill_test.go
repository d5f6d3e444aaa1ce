package auditbench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// How the documents are shared out: most are in a few large series, one of twenty in
// small ones.
const (
	largeTenants = 5
	largePeriods = 4
	smallTenants = 100
	smallPeriods = 10
)

// book is one series in one period.
type book struct {
	tenant, period string
	numbers        int64
}

func books() (all []book) {
	small := max(1, *count/20/(smallTenants*smallPeriods))
	large := (*count - small*smallTenants*smallPeriods) / (largeTenants * largePeriods)
	for i := range largeTenants {
		for year := range largePeriods {
			all = append(all, book{fmt.Sprintf("large-%d", i), fmt.Sprint(2023 + year), large})
		}
	}
	for i := range smallTenants {
		for year := range smallPeriods {
			all = append(all, book{fmt.Sprintf("small-%02d", i), fmt.Sprint(2017 + year), small})
		}
	}
	return all
}

// fill stores the documents, as a year of work would leave them: a void in a hundred,
// and ledgers that know them, with a few numbers free. Autovacuum is kept away.
func (o *office) fill(ctx context.Context, b *testing.B) {
	begun := time.Now()
	// Indexes that are made at the end, sorted, are made faster.
	o.do(ctx, b, `alter table documents set (autovacuum_enabled = false)`)
	o.do(ctx, b, `alter table documents drop constraint documents_request; drop index documents_printed; drop index documents_voids`)
	all := books()
	large, small := all[:largeTenants*largePeriods], all[largeTenants*largePeriods:]
	var wg sync.WaitGroup
	for _, half := range [][]book{large[:len(large)/2], large[len(large)/2:]} {
		wg.Go(func() {
			for _, one := range half {
				o.do(ctx, b, insert([]book{one}, 1, one.numbers))
			}
		})
	}
	wg.Wait()
	o.do(ctx, b, insert(small, 1, small[0].numbers))
	o.do(ctx, b, `alter table documents add constraint documents_request unique (tenant, request_id, item);
		create unique index documents_printed on documents (tenant, printed_number) where printed_number is not null;
		create index documents_voids on documents (tenant, series, period, number) include (reason) where status = 'void'`)
	o.do(ctx, b, `analyze documents`)
	o.ledgers(ctx, b, 0)
	say("%d documents in %d series made in %.0f s; documents are %s, the primary key %s", *count, len(all), time.Since(begun).Seconds(),
		o.ask(ctx, b, `select replace(pg_size_pretty(pg_table_size('documents')), ' ', '')`),
		o.ask(ctx, b, `select replace(pg_size_pretty(pg_relation_size('documents_key')), ' ', '')`))
}

// add stores more documents at the end of the first series.
func (o *office) add(ctx context.Context, b *testing.B, more int64) {
	first := books()[:1]
	o.do(ctx, b, insert(first, first[0].numbers+1, first[0].numbers+more))
	o.ledgers(ctx, b, more)
}

// insert makes the documents first to last of each of some series.
func insert(of []book, first, last int64) string {
	named := make([]string, len(of))
	for i, k := range of {
		named[i] = fmt.Sprintf("('%s', '%s')", k.tenant, k.period)
	}
	return fmt.Sprintf(`
		insert into documents (tenant, series, period, number, status, created_at, reason, request_id, digest, key_id,
			issue_date, currency, net, tax, gross, printed_number, content)
		select tenant, 'invoice', period, n, case when void then 'void' else 'issued' end, now(), case when void then 'replica_lost' end,
			case when not void then 'bench-' || period || '-' || n end, case when not void then sha256(cast(n as text)::bytea) end, case when not void then 'key_bench' end,
			case when not void then cast(period || '-01-01' as date) + cast(n %% 365 as integer) end, case when not void then 'EUR' end,
			case when not void then 100 + n %% 900 end, case when not void then 0 end, case when not void then 100 + n %% 900 end,
			case when not void then 'INV-' || period || '-' || lpad(cast(n as text), 7, '0') end,
			case when not void then json_build_object('note', 'Consulting in week ' || n %% 52, 'customer', json_build_object('name', 'Customer ' || n %% 5000 || ' GmbH')) end
		from (values %s) as k (tenant, period)
		cross join lateral (select n, n %% 100 = 7 as void from generate_series(%d, %d) n) n`, strings.Join(named, ", "), first, last)
}

// ledgers writes what the counter knows: each series is reserved up to three numbers
// above its documents, which are free. The first series has more documents.
func (o *office) ledgers(ctx context.Context, b *testing.B, more int64) {
	client, err := clientv3.New(clientv3.Config{Endpoints: o.Etcd.Endpoints(), DialTimeout: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	all := books()
	all[0].numbers += more
	for _, k := range all {
		key := fmt.Sprintf("/folio/ledger/%s/invoice/%s", k.tenant, k.period)
		value := fmt.Sprintf(`{"v":1,"mark":%d,"serial":9,"held":[],"free":[{"first":%d,"last":%d,"at":"2026-11-24T08:00:00Z"}]}`, k.numbers+3, k.numbers+1, k.numbers+3)
		if _, err := client.Put(ctx, key, value); err != nil {
			b.Fatal(err)
		}
	}
}

func (o *office) do(ctx context.Context, b *testing.B, statement string) {
	if out, err := o.psql(ctx, statement); err != nil {
		b.Errorf("%.200s: %v\n%s", statement, err, out)
	}
}
