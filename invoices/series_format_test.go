package invoices

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

func TestAFormatThatCouldCollideIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	newTenant(t, db, "globex")
	book := &SeriesBook{DB: db}
	format := func(name, format string) Series { return with(name, func(s *Series) { s.Format = format }) }
	for _, c := range []struct {
		put    Series
		reason string // "": it is put
	}{
		{format("web", "INV-{yyyy}-{seq:6}"), "as series invoice could by the format INV-{yyyy}-{seq:6}"},
		{format("web", "INV-2026-{seq}"), "as series invoice could"},
		{format("web", "{series}-{seq}"), ""},
		{format("shop", "web-{seq:3}"), "as series web could by"},
		{format("shop", "web-0{seq:1}"), ""}, // no number of web begins with a zero
		{with("web", func(s *Series) { s.Format = "A{seq}" }), ""},
		{format("old", "web-{seq}"), ""}, // web printed nothing by that format
	} {
		_, _, err := book.Put(t.Context(), c.put)
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("%s %s: %v", c.put.Name, c.put.Format, err)
		case c.reason != "" && (!cmp.Equal(pointers(err), []string{"/format"}) || !strings.Contains(err.Error(), c.reason)):
			t.Errorf("%s %s: %v, want %s", c.put.Name, c.put.Format, err, c.reason)
		}
	}
	elsewhere := format("web", "INV-{yyyy}-1{seq}")
	elsewhere.Tenant = "globex"
	elsewhere.Format = "A{seq}" // as acme's web
	db.put(t, elsewhere)

	// What web has printed by A{seq} stays printed, whatever its format becomes.
	r := newReplica(t, db, &countertest.Mem{})
	r.mustIssue(t, in("web", request(who, "one", "n")))
	for _, c := range []struct {
		put    Series
		reason string
	}{
		{format("web", "A1{seq}"), "as series web could when it had the format A{seq}"},
		{format("web", "B{seq}"), ""},
		{format("shop", "A{seq:2}"), "as series web could when it had"},
		{format("web", "A{seq:5}"), ""}, // the same number at the same place
	} {
		_, _, err := book.Put(t.Context(), c.put)
		if (err == nil) != (c.reason == "") || err != nil && !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s %s: %v, want %q", c.put.Name, c.put.Format, err, c.reason)
		}
	}
}

func TestOfSeriesWithOneFormatThatArePutAtOnceOneWins(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			s := with(fmt.Sprintf("s%d", i), func(s *Series) { s.Format = "X-{seq}" })
			_, _, errs[i] = (&SeriesBook{DB: db}).Put(t.Context(), s)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !cmp.Equal(pointers(err), []string{"/format"}) {
			t.Error(err)
		}
	}
	if n := ask[int](t, db, `select count(*) from series where format = 'X-{seq}'`); won != 1 || n != 1 {
		t.Errorf("%d were put, %d are there; want one", won, n)
	}
}
