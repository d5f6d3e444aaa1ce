package invoices

import (
	"testing"
	"time"

	"folio/counter/countertest"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// at has an issuer believe that it is a certain moment.
func (r *replica) at(moment time.Time) { r.Now = func() time.Time { return moment } }

func TestAnInvoiceOfTheOldYearIssuedInTheNewOneGetsTheOldYearsNextNumber(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	issue := func(now, date, want string) {
		t.Helper()
		moment, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		r.at(moment)
		req := request(who, "", now+date)
		req.Draft.IssueDate = date
		if got := r.mustIssue(t, req).Invoice; got.PrintedNumber != want {
			t.Errorf("issued at %s, dated %q: %s, want %s", now, date, got.PrintedNumber, want)
		}
	}
	issue("2025-12-30T10:00:00Z", "", "INV-2025-000001")
	issue("2026-01-01T10:00:00Z", "", "INV-2026-000001")
	issue("2026-01-02T10:00:00Z", "2025-12-31", "INV-2025-000002")
	issue("2026-01-02T10:00:01Z", "", "INV-2026-000002")
	issue("2026-01-02T10:00:02Z", "2027-01-01", "INV-2027-000001")
	issue("2026-01-02T10:00:03Z", "2025-12-31", "INV-2025-000003")
	mustBeClean(t, db, store)
}

func TestMidnightIsThatOfTheTenant(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	r := newReplica(t, db, store)
	// Kiritimati is fourteen hours before UTC, Honolulu ten behind.
	for _, c := range []struct {
		tenant, zone string
		midnight     time.Time
	}{
		{"kiri", "Pacific/Kiritimati", time.Date(2025, 12, 31, 10, 0, 0, 0, time.UTC)},
		{"oahu", "Pacific/Honolulu", time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)},
	} {
		who := newTenant(t, db, c.tenant)
		who.Zone = zone(t, c.zone)
		monthly := with("month", func(s *Series) { s.Period, s.Tenant = "month", c.tenant })
		db.put(t, monthly)
		for _, m := range []struct {
			at                      time.Time
			date, yearly, ofMonthly string
		}{
			{c.midnight.Add(-time.Microsecond), "2025-12-31", "INV-2025-000001", "month-2025-12-000001"},
			{c.midnight, "2026-01-01", "INV-2026-000001", "month-2026-01-000001"},
			{c.midnight.Add(time.Microsecond), "2026-01-01", "INV-2026-000002", "month-2026-01-000002"},
		} {
			r.at(m.at)
			for series, want := range map[string]string{"invoice": m.yearly, "month": m.ofMonthly} {
				req := in(series, request(who, "", "n"))
				req.Draft.IssueDate = ""
				if got := r.mustIssue(t, req).Invoice; got.PrintedNumber != want || got.IssueDate != m.date {
					t.Errorf("%s at %s: %s of %s, want %s of %s", c.zone, m.at, got.PrintedNumber, got.IssueDate, want, m.date)
				}
			}
		}
	}
	mustBeClean(t, db, store)
}
