package forecast

import (
	"time"

	"folio/counter"
)

// The fixed text of a ledger's value in etcd, around what varies. A test holds
// the sum against what the store really writes.
const (
	ledgerText = len(`{"v":1,"mark":,"serial":,"held":[],"free":[]}`)
	firstText  = len(`"first":,`)
	blockText  = len(`{"serial":,"first":,"last":,"holder":"","era":"","at":""}`)
	freeText   = len(`{"first":,"last":,"at":""}`)
)

// valueBytes returns the length of l as it stands in etcd, for names that need no
// escaping.
func valueBytes(l counter.Ledger) int {
	n := ledgerText + digits(l.Mark) + digits(l.Serial)
	if l.First != 0 {
		n += firstText + digits(l.First)
	}
	for _, b := range l.Held {
		n += blockText + digits(b.Serial) + digits(b.First) + digits(b.Last) + len(b.Holder) + len(b.Era) + timeText(b.At)
	}
	for _, f := range l.Free {
		n += freeText + digits(f.First) + digits(f.Last) + timeText(f.At)
	}
	return n + commas(len(l.Held)) + commas(len(l.Free))
}

func commas(items int) int { return max(0, items-1) }

func digits(n int64) int {
	d := 1
	for ; n > 9; n /= 10 {
		d++
	}
	return d
}

// timeText is the length of a moment in UTC as RFC 3339 has it: without the zeros
// at the end of its fraction.
func timeText(t time.Time) int {
	n := len("2026-11-23T12:00:00Z")
	nanos := t.Nanosecond()
	if nanos == 0 {
		return n
	}
	fraction := 9
	for ; nanos%10 == 0; nanos /= 10 {
		fraction--
	}
	return n + len(".") + fraction
}
