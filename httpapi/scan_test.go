package httpapi

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"folio/invoices/document"
)

// crowded is a body as long as one may be, of which the middle is one thing again and again.
func crowded(most int, before, thing, after string) string {
	n := (most - len(before) - len(after)) / (len(thing) + 1)
	return before + strings.Repeat(thing+",", n-1) + thing + after
}

// What a client sends is a megabyte; what decoding makes of it must not be a hundred.
func TestABodyIsNotMultipliedByWhatIsMadeOfIt(t *testing.T) {
	const most = 20 // times the body
	lines := func(of string) string { return strings.TrimSuffix(strings.Repeat(of+",", 1000), ",") }
	draft := func(body string) error { _, err := decodeDraft([]byte(body)); return err }
	batch := func(body string) error {
		items, err := decodeBatch([]byte(body))
		if err == nil {
			_, _, _, err = decodeItem(items[0])
		}
		return err
	}
	for _, c := range []struct {
		name, body string
		decode     func(string) error
		at         string
	}{
		{"lines", crowded(maxBody, `{"lines":[`, `{}`, `]}`), draft, "/lines"},
		{"lines with space in them", crowded(maxBody, `{"lines":[`, "{ \n}", `]}`), draft, "/lines"},
		{"discounts", crowded(maxBody, `{"discounts":[`, `{}`, `]}`), draft, "/discounts"},
		{"charges", crowded(maxBody, `{"charges":[`, `{"tax":{}}`, `]}`), draft, "/charges"},
		{"discounts of lines", `{"lines":[` + lines(crowded(maxBody/1000-1, `{"discounts":[`, `{}`, `]}`)) + `]}`, draft, "/lines/0/discounts"},
		{"discounts of lines, few enough each", `{"lines":[` + lines(crowded(99*3+14, `{"discounts":[`, `{}`, `]}`)) + `]}`, draft, "/lines/102/discounts/4"},
		{"discounts of lines that say a little", `{"lines":[` + lines(crowded(maxBody/1000-1, `{"discounts":[`, `{"amount":""}`, `]}`)) + `]}`, draft, ""},
		{"keys", numbered(`{"metadata":{`, `}}`), draft, "/metadata"},
		{"fields", numbered(`{`, `}`), draft, "/k0"},
		{"numbers where text belongs", crowded(maxBody, `{"note":[`, `1`, `]}`), draft, "/note"},
		{"documents of a batch", crowded(maxBatchBody, `{"invoices":[`, `1`, `]}`), batch, "/invoices"},
		{"fields of a document of a batch", `{"invoices":[` + numbered(`{"request_id":"a",`, `}`) + `]}`, batch, "/k0"},
		{"lines of a document of a batch", `{"invoices":[` + crowded(maxBody, `{"request_id":"a","lines":[`, `{}`, `]}`) + `]}`, batch, "/lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := c.decode(c.body)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > most*uint64(len(c.body)) {
				t.Errorf("%d bytes took %d, %d times as much; want %d at most", len(c.body), took, took/uint64(len(c.body)), most)
			} else {
				t.Logf("%.1f times its length", float64(took)/float64(len(c.body)))
			}
			if c.at == "" && strings.Contains(c.name, "a little") {
				if err != nil {
					t.Errorf("decoding refuses it: %v", err) // what it lacks is for Complete to say
				}
				return
			}
			if at := refusedAt(err); err == nil || at != c.at {
				t.Errorf("%v, at %q; want it refused at %q", err, at, c.at)
			}
		})
	}
}

// numbered is as long as a body may be, of members with names of their own.
func numbered(before, after string) string {
	var b strings.Builder
	b.WriteString(before)
	for i := 0; b.Len() < maxBody-30; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"k%x":""`, i)
	}
	return b.String() + after
}

func refusedAt(err error) string {
	var bad *malformedError
	var invalid *document.InvalidError
	switch {
	case errors.As(err, &bad):
		return bad.fields[0].Pointer
	case errors.As(err, &invalid):
		return invalid.Fields[0].Pointer
	}
	return fmt.Sprintf("nowhere: %v", err)
}

// What is refused before it is decoded is refused in the words of who would refuse it after.
func TestTooManyEntriesAreRefusedAsTheDocumentRefusesThem(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{crowded(5002*3+9, `{"lines":[`, `{}`, `]}`), `/lines: has 5001 lines; at most 1000 are allowed`},
		{crowded(5002*3+13, `{"discounts":[`, `{}`, `]}`), `/discounts: has 5001 entries; at most 100 are allowed`},
		{numbered(`{"metadata":{`, `}}`), ` keys; at most 50 are allowed`},
		{`{"lines":[` + strings.Repeat(`{},`, 1001) + `null]}`, `/lines: has 1002 lines; at most 1000 are allowed`},
	} {
		if _, err := decodeDraft([]byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, all := range []int{document.MaxLines, 1} {
		if d, err := decodeDraft([]byte(`{"lines":[` + strings.Repeat(`{},`, all-1) + `{}]}`)); err != nil || len(d.Lines) != all {
			t.Errorf("%d lines of %d, %v: as many as a draft may have are read", len(d.Lines), all, err)
		}
	}
}
