package invoices

import (
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// A series is put once, whatever becomes of an answer: it is put again.
func TestPuttingASeriesWhoseAnswerIsLostPutsItOnce(t *testing.T) {
	for _, statement := range []string{"for no key update", "insert into series ", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				newTenant(t, direct, "acme")
				p.arm(statement, how)
				book := &SeriesBook{DB: db}
				want := with("web", func(s *Series) { s.Format = "W-{seq}" })
				if _, _, err := book.Put(t.Context(), want); err != nil {
					if _, _, err = book.Put(t.Context(), want); err != nil {
						t.Fatal(err)
					}
				}
				if n := ask[int](t, direct, `select count(*) from series where name = 'web' and format = 'W-{seq}'`); n != 1 {
					t.Errorf("%d series, want 1", n)
				}
			})
		})
	}
}

func TestChangingASeriesWhoseAnswerIsLostChangesItOnce(t *testing.T) {
	for _, statement := range []string{"insert into series_formats", "update series set", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				newTenant(t, direct, "acme")
				direct.put(t, with("web", func(s *Series) { s.Format = "W-{seq}" }))
				p.arm(statement, how)
				book := &SeriesBook{DB: db}
				want := with("web", func(s *Series) { s.Format = "X-{seq}" })
				if _, _, err := book.Put(t.Context(), want); err != nil {
					if _, _, err = book.Put(t.Context(), want); err != nil {
						t.Fatal(err)
					}
				}
				if got := ask[string](t, direct, `select s.format || ' ' || f.format from series s join series_formats f using (tenant, name)`); got != "X-{seq} W-{seq}" {
					t.Errorf("the format and the one before are %s", got)
				}
			})
		})
	}
}

func TestVoidingTheRestOfARangeWhoseAnswerIsLostVoidsItOnce(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		store := &countertest.Mem{}
		who := newTenant(t, direct, "acme")
		direct.put(t, granted(NumberRange{First: 1, Last: 9}))
		r := newReplica(t, db, store)
		used := r.mustIssue(t, in("caf", request(who, "", "n"))).Invoice.Number
		p.arm("'void', cast", how)
		book := &SeriesBook{DB: db, Ledgers: store, Numbers: r.numbers}
		rest, err := book.VoidUnused(t.Context(), who, "caf", nil, "")
		if err != nil {
			rest, err = book.VoidUnused(t.Context(), who, "caf", nil, "")
		}
		if err != nil || rest.Count != 8 {
			t.Errorf("%+v, %v", rest, err)
		}
		if n := ask[int](t, direct, `select count(*) from documents where status = 'void' and reason = 'range_expired'`); n != 8 {
			t.Errorf("%d are void, want 8; %d is used", n, used)
		}
		r.stop()
		for _, a := range mustBeClean(t, direct, store) {
			if a.Series != (counter.Series{Tenant: "acme", Name: "caf"}) || a.Held.Count+a.Free.Count != 0 {
				t.Errorf("%+v", a)
			}
		}
	})
}
