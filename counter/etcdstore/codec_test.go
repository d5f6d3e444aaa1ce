package etcdstore

import (
	"errors"
	"testing"
	"time"

	"folio/counter"
)

func TestTheTextIsWhatTheDocumentationShows(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := counter.Ledger{
		Mark: 1200, Serial: 13,
		Held: []counter.Block{{Serial: 13, Range: counter.Range{First: 1101, Last: 1200}, Holder: "folio-7c9f-x2x4.9k3d", Era: "0.1.7", At: at}},
		Free: []counter.FreeRange{{Range: counter.Range{First: 1051, Last: 1060}, At: at}},
	}
	want := `{"v":1,"mark":1200,"serial":13,` +
		`"held":[{"serial":13,"first":1101,"last":1200,"holder":"folio-7c9f-x2x4.9k3d","era":"0.1.7","at":"2026-11-23T12:00:00Z"}],` +
		`"free":[{"first":1051,"last":1060,"at":"2026-11-23T12:00:00Z"}]}`
	got, err := encode(l)
	if err != nil || got != want {
		t.Fatalf("got  %s, %v\nwant %s", got, err, want)
	}
	back, err := decode([]byte(got))
	if err != nil || !back.Equal(l) {
		t.Fatalf("read back as %+v, %v", back, err)
	}
	if got, _ := encode(counter.Ledger{}); got != `{"v":1,"mark":0,"serial":0,"held":[],"free":[]}` {
		t.Fatalf("the zero ledger is %s", got)
	}
}

func TestWhatNobodyWroteIsDamaged(t *testing.T) {
	for _, value := range []string{
		"", "1", "abc", "null", "{}", "[]", `"x"`,
		`{"v":2,"mark":1,"serial":0,"held":[],"free":[]}`,
		`{"v":1,"mark":-1,"serial":0,"held":[],"free":[]}`,
		`{"v":1,"mark":4611686018427387904,"serial":0,"held":[],"free":[]}`,
		`{"v":1,"mark":1e3,"serial":0.5,"held":[],"free":[]}`,
		`{"v":1,"mark":1,"serial":0,"held":[],"free":[],"more":1}`,
		`{"v":1,"mark":1,"serial":0,"held":[],"free":[]}{}`,
		`{"v":1,"mark":1,"serial":1,"held":[{"serial":1,"first":1,"last":9,"holder":"a.1"}],"free":[]}`,
	} {
		if _, err := decode([]byte(value)); !errors.Is(err, counter.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", value, err)
		}
	}
}

func TestALedgerOfANewerProgramIsToldFromADamagedOne(t *testing.T) {
	for value, newer := range map[string]bool{
		`{"v":2,"mark":1,"serial":0,"held":[],"free":[]}`:          true,
		`{"v":2,"marks":[1]}`:                                      true,
		`{"v":1,"mark":-1,"serial":0,"held":[],"free":[]}`:         false,
		`{"v":0,"mark":1,"serial":0,"held":[],"free":[]}`:          false,
		`{"v":2,"mark":1`:                                          false,
		`{"v":1,"mark":1,"serial":0,"held":[],"free":[],"more":1}`: false,
	} {
		if _, err := decode([]byte(value)); errors.Is(err, ErrNewer) != newer || !errors.Is(err, counter.ErrDamaged) {
			t.Errorf("%s: got %v; newer should be %t", value, err, newer)
		}
	}
}

func FuzzDecodeNeverAcceptsWhatItWouldNotWrite(f *testing.F) {
	f.Add([]byte(`{"v":1,"mark":9,"serial":1,"held":[{"serial":1,"first":1,"last":9,"holder":"a.1"}],"free":[]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		l, err := decode(value)
		if err != nil {
			return
		}
		if err := l.Check(); err != nil {
			t.Fatalf("accepted a ledger that is wrong: %v", err)
		}
		out, err := encode(l)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode([]byte(out)); err != nil || !back.Equal(l) {
			t.Fatalf("%s became %s: %v", value, out, err)
		}
	})
}

func TestNamesCannotReachIntoAnothersKeys(t *testing.T) {
	for _, s := range []counter.Series{
		{Tenant: "", Name: "invoice"}, {Tenant: "a", Name: ""}, {Tenant: "a/b", Name: "invoice"}, {Tenant: "A", Name: "invoice"},
		{Tenant: "a", Name: "in/voice"}, {Tenant: "a", Name: "invoice", Period: "2026/11"}, {Tenant: "a", Name: "invoice", Period: "-"},
		{Tenant: "a\x00", Name: "invoice"}, {Tenant: "ä", Name: "invoice"}, {Tenant: "..", Name: "invoice"},
	} {
		if err := validate(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	for _, s := range []counter.Series{{Tenant: "acme", Name: "invoice"}, {Tenant: "a-1", Name: "x", Period: "2026-11"}} {
		back, err := parseSeries(s.String())
		if err != nil || back != s {
			t.Errorf("%q is read back as %q, %v", s, back, err)
		}
	}
	for _, name := range []string{"", "a", "a.", ".1", "a.b.c", "a/b.1", "A.1"} {
		if isHolder(name) {
			t.Errorf("holder %q is accepted", name)
		}
	}
}
