package etcdstore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"folio/counter"
)

// More ledgers than a page has, of names that begin like each other, a ledger that
// cannot be read and keys that are nobody's: each comes once, in order, however it is
// asked for; and the revision is that of the store.
func TestLedgersAreReadInPages(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	put := func(path, value string) int64 {
		t.Helper()
		done, err := s.Client.Put(timeout(t), "/folio/ledger/"+path, value)
		if err != nil {
			t.Fatal(err)
		}
		return done.Header.Revision
	}
	var want []string
	for i := range 1100 {
		for _, of := range []string{"acme/invoice/%04d", "acme-2/invoice/%04d"} {
			if i > 0 && of[4] == '-' {
				continue
			}
			path := fmt.Sprintf(of, i)
			put(path, fmt.Sprintf(`{"v":1,"mark":%d,"serial":1,"held":[],"free":[]}`, i+1))
			want = append(want, path)
		}
	}
	put("acme/invoice/0007-09", `{"v":1,"mark":3,"serial":1,"held":[],"free":[]}`)
	put("acme/other/-", `nonsense`)
	want = append(want, "acme/invoice/0007-09", "acme/other/-")
	put("acme/Invoice/2026", `{}`)
	revision := put("acme/invoice", `{}`)
	slices.Sort(want)
	read := func(selected counter.Selection) (got []string, foreign []string) {
		t.Helper()
		for from, pages := "", 0; pages == 0 || from != ""; pages++ {
			page, err := s.LoadPage(timeout(t), selected, from)
			if err != nil {
				t.Fatal(err)
			}
			if page.Revision != revision {
				t.Errorf("revision %d, want %d", page.Revision, revision)
			}
			for i, l := range page.Ledgers {
				if got = append(got, l.Series.String()); i%97 != 0 && l.Err == nil {
					continue
				}
				one, version, err := s.Load(timeout(t), l.Series)
				if !one.Equal(l.Ledger) || version != l.Version || errors.Is(err, counter.ErrDamaged) != errors.Is(l.Err, counter.ErrDamaged) {
					t.Fatalf("%s: %+v in a page, alone %+v, %v", l.Series, l.Loaded, one, err)
				}
			}
			from, foreign = page.Next, append(foreign, page.Foreign...)
		}
		return got, foreign
	}
	all, foreign := read(counter.Selection{})
	if !slices.Equal(all, want) {
		t.Errorf("%d ledgers, want %d", len(all), len(want))
	}
	if !slices.Equal(foreign, []string{"/folio/ledger/acme/Invoice/2026", "/folio/ledger/acme/invoice"}) {
		t.Errorf("keys that are nobody's: %v", foreign)
	}
	if acme, _ := read(counter.Selection{Tenant: "acme"}); len(acme) != len(want)-1 {
		t.Errorf("%d ledgers of acme", len(acme))
	}
	if other, _ := read(counter.Selection{Tenant: "acme", Name: "other"}); !slices.Equal(other, []string{"acme/other/-"}) {
		t.Errorf("of one series: %v", other)
	}
	if invoices, _ := read(counter.Selection{Name: "invoice"}); len(invoices) != len(want)-1 {
		t.Errorf("%d ledgers named invoice", len(invoices))
	}
	period, none := "0007", ""
	if one, _ := read(counter.Selection{Tenant: "acme", Name: "invoice", Period: &period}); !slices.Equal(one, []string{"acme/invoice/0007"}) {
		t.Errorf("of one period: %v", one)
	}
	if never, _ := read(counter.Selection{Tenant: "acme", Name: "other", Period: &period}); never != nil {
		t.Errorf("of a series without a ledger: %v", never)
	}
	if one, _ := read(counter.Selection{Tenant: "acme", Name: "other", Period: &none}); !slices.Equal(one, []string{"acme/other/-"}) {
		t.Errorf("of a series without periods: %v", one)
	}
	if _, err := s.LoadPage(timeout(t), counter.Selection{Tenant: "../x", Name: "y", Period: &none}, ""); err == nil {
		t.Error("a name that is none was accepted")
	}
}
