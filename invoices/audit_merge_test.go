package invoices

import (
	"cmp"
	"testing"

	"folio/counter"

	"pgregory.net/rapid"
)

func TestSeriesAreComparedAsTheirNamesAreRead(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a0-]{1,3}`)
	series := rapid.Custom(func(t *rapid.T) counter.Series {
		return counter.Series{
			Tenant: word.Draw(t, "tenant"), Name: word.Draw(t, "name"),
			Period: rapid.SampledFrom([]string{"", "2025", "2026", "2026-01"}).Draw(t, "period"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := series.Draw(rt, "a"), series.Draw(rt, "b")
		if got, want := byName(a, b), cmp.Compare(a.String(), b.String()); got != want {
			rt.Fatalf("%s and %s compare as %d, want %d", a, b, got, want)
		}
	})
}
