package invoices

import (
	"strings"
	"testing"

	"folio/counter"
)

func TestAnIDReadsBackAsItsKeyAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	for _, k := range []key{
		{Series: counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}, Number: 57},
		{Series: counter.Series{Tenant: "a", Name: "b"}, Number: counter.MaxNumber},
	} {
		id := k.encode(idPrefix)
		if got, ok := decodeKey(idPrefix, id); !ok || got != k {
			t.Errorf("%s reads as %+v, %v", id, got, ok)
		}
		for _, other := range []string{
			"", id[1:], id + "a", id[:len(id)-1], strings.ToUpper(id), strings.Replace(id, "inv_", "cur_", 1),
			id[:6] + flip(id[6]) + id[7:], id + "=", id + "\n",
		} {
			if got, ok := decodeKey(idPrefix, other); ok {
				t.Errorf("%q reads as %+v", other, got)
			}
		}
	}
}

func flip(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(key{Series: testSeries, Number: 1}.encode(idPrefix))
	f.Add("inv_aaaa")
	f.Fuzz(func(t *testing.T, text string) {
		if k, ok := decodeKey(idPrefix, text); ok && k.encode(idPrefix) != text {
			t.Errorf("%q reads as %+v, which is written otherwise", text, k)
		}
	})
}
