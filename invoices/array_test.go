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
	var a arrays // one for all, as it is used
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
		put       func(*arrays)
	}{
		{"text", `select cast($1 as text[]) = array['a"\,{}', null, 'NULL']`, func(a *arrays) { a.add(`a"\,{}`); a.null(); a.add("NULL") }},
		{"whole numbers", `select cast($1 as bigint[]) = array[-1, null, 9223372036854775807]`, func(a *arrays) { a.whole(-1); a.null(); a.whole(1<<63 - 1) }},
		{"bytes", `select cast($1 as bytea[]) = array['\x00ff5c22', '\x'::bytea]`, func(a *arrays) { a.bytes([]byte{0, 0xff, '\\', '"'}); a.bytes(nil) }},
		{"times", `select cast($1 as timestamptz[]) = array[timestamptz '2026-11-24T12:30:00.123456Z']`, func(a *arrays) { a.time(at) }},
		{"nothing", `select cast($1 as text[]) = array[]::text[]`, func(*arrays) {}},
	} {
		var a arrays
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
	var a arrays // of a connection
	b.ReportAllocs()
	for b.Loop() {
		a.all(rows)
	}
}

// What a statement has of its arrays stays as it was made while the buffer grows for the
// next ones; the next statement's are made in the same buffer, unless it has become large.
func TestArraysOfOneStatementStayWhole(t *testing.T) {
	t.Parallel()
	var a arrays
	rapid.Check(t, func(rt *rapid.T) {
		a.clear()
		var made [][]byte
		var want []string
		for _, texts := range rapid.SliceOfN(rapid.SliceOf(rapid.String()), 1, 20).Draw(rt, "arrays") {
			var alone arrays
			for _, s := range texts {
				a.add(s)
				alone.add(s)
			}
			made, want = append(made, a.end()), append(want, string(alone.end()))
		}
		for i := range made {
			if string(made[i]) != want[i] {
				rt.Fatalf("array %d of %d is %q, was made as %q", i, len(made), made[i], want[i])
			}
		}
	})
	a.clear()
	if cap(a.text) == 0 {
		t.Error("the buffer is not kept")
	}
	a.bytes(make([]byte, textKept))
	a.clear()
	if cap(a.text) != 0 {
		t.Errorf("a buffer of %d bytes is kept", cap(a.text))
	}
}
