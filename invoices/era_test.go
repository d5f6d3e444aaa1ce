package invoices

import "testing"

func TestErasAreOrderedByEpochThenTimeline(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b    string
		order   int
		ordered bool
	}{
		{"0.00000001.7", "0.00000001.7", 0, true},
		{"0.00000001.7", "0.00000002.7", -1, true},
		{"1.00000001.7", "0.00000002.7", 1, true},
		{"0.0000000A.7", "0.00000010.7", -1, true},
		{"0.00000001.7", "0.00000002.8", 0, false},
		{"1.00000001.7", "1.00000001.8", 0, false},
		{"0.00000009.7", "1.00000001.8", -1, true}, // a restore into another cluster was announced
		{"2.00000001.8", "1.00000009.7", 1, true},
	} {
		a, errA := parseEra(row.a)
		b, errB := parseEra(row.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if order, ordered := a.compare(b); order != row.order || ordered != row.ordered {
			t.Errorf("%s to %s: %d, %v; want %d, %v", row.a, row.b, order, ordered, row.order, row.ordered)
		}
	}
}

func TestWhatIsNoEraIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "0.00000001", "0.1.7", "00.00000001.7", "0.0000000a.7", "-1.00000001.7", "0.00000001.7.", "0.00000001. 7"} {
		if e, err := parseEra(text); err == nil {
			t.Errorf("%q was read as %s", text, e)
		}
	}
}

func TestTheEraIsSpelledOutAsItsFunctionSaysIt(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	if !ask[bool](t, db, `select current_era() = `+presentEra) {
		t.Error("the statements that issue know the era by another name than the rest")
	}
}
