package invoices

import (
	"context"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// The two states of a row.
const (
	statusIssued = "issued"
	statusVoid   = "void"
)

// statusCancelled is the status of an invoice of which nothing is left. It is
// derived when it is read: rows are never changed.
const statusCancelled = "cancelled"

// What an issued row is.
const (
	kindInvoice    = "invoice"
	kindCreditNote = "credit_note"
	kindExternal   = "external" // a number whose document lives elsewhere
)

// run is an unbroken range of numbers whose documents are all of one status.
type run struct {
	counter.Range
	Status string
}

// selectRuns reads the documents of a series between two numbers as runs: the
// answer grows with the breaks, not with the documents. An external number whose
// document was never made is void.
const selectRuns = `
	select min(number) as first, max(number) as last, status
	from (select number, status, number - row_number() over (partition by status order by number) as island
	      from (select d.number, case when a.number is null then d.status else 'void' end as status
	            from documents d left join annulments a using (tenant, series, period, number)
	            where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number between $4 and $5) s) d
	group by status, island
	order by 1`

// readRuns reads the documents of s within r, in one statement.
func readRuns(ctx context.Context, q sqlx.QueryerContext, s counter.Series, r counter.Range) ([]run, error) {
	var rows []struct {
		First  int64  `db:"first"`
		Last   int64  `db:"last"`
		Status string `db:"status"`
	}
	err := sqlx.SelectContext(ctx, q, &rows, selectRuns, s.Tenant, s.Name, s.Period, r.First, r.Last)
	if err != nil {
		return nil, wrap("read the documents "+r.String()+" of "+s.String(), err)
	}
	runs := make([]run, len(rows))
	for i, row := range rows {
		runs[i] = run{Range: counter.Range{First: row.First, Last: row.Last}, Status: row.Status}
	}
	return runs, nil
}

// without returns the numbers of whole that lie in none of parts. Both are
// ascending; parts may touch or overlap.
func without(whole []counter.Range, parts []counter.Range) []counter.Range {
	var left []counter.Range
	for _, w := range whole {
		for len(parts) > 0 && parts[0].Last < w.First {
			parts = parts[1:]
		}
		for _, p := range parts {
			if p.First > w.Last {
				break
			}
			if p.First > w.First {
				left = append(left, counter.Range{First: w.First, Last: p.First - 1})
			}
			w.First = max(w.First, p.Last+1)
		}
		if w.Len() > 0 {
			left = append(left, w)
		}
	}
	return left
}

// merged returns the numbers that lie in any of parts, ascending and apart.
func merged(parts []counter.Range) []counter.Range {
	sorted := sortedRanges(parts)
	var out []counter.Range
	for _, p := range sorted {
		if n := len(out); n > 0 && p.First <= out[n-1].Last+1 {
			out[n-1].Last = max(out[n-1].Last, p.Last)
			continue
		}
		out = append(out, p)
	}
	return out
}

func total(parts []counter.Range) (n int64) {
	for _, p := range parts {
		n += p.Len()
	}
	return n
}

// pieces cuts ranges into ranges of at most size numbers.
func pieces(ranges []counter.Range, size int64) []counter.Range {
	var out []counter.Range
	for _, r := range ranges {
		for r.Len() > size {
			out = append(out, counter.Range{First: r.First, Last: r.First + size - 1})
			r.First += size
		}
		if r.Len() > 0 {
			out = append(out, r)
		}
	}
	return out
}
