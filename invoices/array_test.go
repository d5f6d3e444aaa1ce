package invoices

import (
	"slices"
	"testing"
	"time"

	"github.com/lib/pq"
	"pgregory.net/rapid"
)

// What Postgres' driver reads of an array of ours is what was put into it.
func TestAnArrayOfTextComesBackAsItWasMade(t *testing.T) {
	t.Parallel()
	var a array // one for all, as it is used
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOf(rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{"", "NULL", `"`, `\`, `\\"`, "{", "}", ",", " ", "\n\t", `{"a":"b\\c"}`}),
		)).Draw(rt, "texts")
		for _, s := range texts {
			a.add(s)
		}
		var got pq.StringArray
		if err := got.Scan(a.end()); err != nil {
			rt.Fatalf("%q: %v", texts, err)
		}
		if !slices.Equal(got, texts) {
			rt.Fatalf("put in %q, got %q", texts, []string(got))
		}
	})
}

func TestPostgresReadsEachKindOfElementOfAnArray(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	at := time.Date(2026, 11, 24, 12, 30, 0, 123456000, time.UTC)
	for _, c := range []struct {
		name, ask string
		put       func(*array)
	}{
		{"text", `select cast($1 as text[]) = array['a"\,{}', null, 'NULL']`, func(a *array) { a.add(`a"\,{}`); a.null(); a.add("NULL") }},
		{"whole numbers", `select cast($1 as bigint[]) = array[-1, null, 9223372036854775807]`, func(a *array) { a.whole(-1); a.null(); a.whole(1<<63 - 1) }},
		{"bytes", `select cast($1 as bytea[]) = array['\x00ff5c22', '\x'::bytea]`, func(a *array) { a.bytes([]byte{0, 0xff, '\\', '"'}); a.bytes(nil) }},
		{"times", `select cast($1 as timestamptz[]) = array[timestamptz '2026-11-24T12:30:00.123456Z']`, func(a *array) { a.time(at) }},
		{"nothing", `select cast($1 as text[]) = array[]::text[]`, func(*array) {}},
	} {
		var a array
		c.put(&a)
		if !ask[bool](t, db, c.ask, a.end()) {
			t.Errorf("an array of %s is read otherwise", c.name)
		}
	}
}

func BenchmarkColumnsOfABatch(b *testing.B) {
	rows := make([]*row, 100)
	for i := range rows {
		r := row{Kind: kindInvoice, Strict: strictPlace{Number: int64(i + 1)}, RequestID: "c:request", Printed: "INV-2026-000001", content: `{"currency":"EUR"}`}
		r.Strict.Tenant = "acme"
		rows[i] = &r
	}
	b.ReportAllocs()
	for b.Loop() {
		columns(rows)
	}
}
