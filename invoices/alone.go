package invoices

import (
	"context"
	"time"
)

// insertAlone is insertBatch of one row, with the same fence and the same order of
// parameters, each a value instead of an array: it costs Postgres half as much, which
// who has nothing else to wait for sees. It says nothing but that the row was
// written. If it was not insertBatch is sent, and tells why.
const insertAlone = `
	with fence as materialized (` + openHolder + `)
	insert into documents (` + documentColumns + `)
	select ` + documentValues + `
	from fence f cross join (select cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as bigint), cast($6 as timestamptz),
			cast($7 as text), cast($8 as bytea), cast($9 as text), cast($10 as date), cast($11 as text),
			cast($12 as numeric), cast($13 as numeric), cast($14 as numeric), cast($15 as text), cast($16 as text),
			cast($17 as bigint), cast($18 as bigint), cast($19 as bigint),
			cast($20 as text), cast($21 as integer), cast($22 as text), cast($23 as timestamptz), cast($24 as bigint))
			as ` + documentRow + `
	on conflict do nothing`

// executeAlone reports whether it wrote r.
func (l *line) executeAlone(holder string, r *row) (bool, error) {
	args := make(values, 0, columnCount+1)
	args.add(holder)
	for c := range columnCount {
		c.add(&args, r)
	}
	n, err := affected(l.alone.ExecContext(context.Background(), args...))
	return n == 1, err
}

// values are parameters that are no arrays.
type values []any

func (v *values) add(text string)  { *v = append(*v, text) }
func (v *values) null()            { *v = append(*v, nil) }
func (v *values) whole(n int64)    { *v = append(*v, n) }
func (v *values) bytes(b []byte)   { *v = append(*v, b) }
func (v *values) time(t time.Time) { *v = append(*v, t.Format(timeText)) }
