package document

import (
	"strings"
	"testing"
)

func TestPrintedNumbers(t *testing.T) {
	of := Fields{IssueDate: "2026-03-14", Series: "invoice", Tenant: "acme"}
	for _, c := range []struct {
		template string
		number   int64
		want     string
	}{
		{"INV-{yyyy}-{seq:6}", 57, "INV-2026-000057"},
		{"INV-{yyyy}-{seq:6}", 1234567, "INV-2026-1234567"},
		{"{seq}", 57, "57"},
		{"{tenant}/{series}/{yy}{mm}-{seq:3}", 7, "acme/invoice/2603-007"},
	} {
		f, err := ParseFormat(c.template)
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if got := f.Print(c.number, of); got != c.want {
			t.Errorf("%s: %q, want %q", c.template, got, c.want)
		}
	}
}

func TestATemplateThatCannotWorkIsRefusedWithItsReason(t *testing.T) {
	for template, reason := range map[string]string{
		"":                                 "exactly once",
		"INV":                              "exactly once",
		"{seq}{seq}":                       "exactly once",
		"{seq":                             "without its }",
		"seq}":                             "without its {",
		"{seq:0}":                          "width",
		"a\x00{seq}":                       "control character",
		"a\n{seq}":                         "line break",
		strings.Repeat("x", 200) + "{seq}": "characters",
		"{seq:017}":                        "width",
		"{seq:99}":                         "width",
		"{SEQ}":                            "{SEQ} is unknown",
		"{seq}-{month}":                    "{month} is unknown",
		"{seq}-{}":                         "{} is unknown",
		"{seq}-{{yyyy}}":                   "unknown",
	} {
		if _, err := ParseFormat(template); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", template, err, reason)
		}
	}
}

func TestThePeriodComesFromTheDate(t *testing.T) {
	for rule, want := range map[PeriodRule]string{PeriodNone: "", PeriodYear: "2025", PeriodMonth: "2025-12"} {
		if got := rule.Period("2025-12-31"); got != want {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
}

func TestTheDigestSeesWhatIsSaidNotHowItIsWritten(t *testing.T) {
	digest := func(body string) [32]byte {
		t.Helper()
		before := strings.Clone(body)
		bytes := []byte(body)
		d, err := Digest(bytes)
		if err != nil || string(bytes) != before {
			t.Fatalf("%s: %v; the body is now %s", body, err, bytes)
		}
		return d
	}
	same := digest(`{"a":"x","b":["y"]}`)
	if digest(" {\n\"b\": [\"\\u0079\"], \"a\":\"x\"}") != same {
		t.Error("order, space or escapes change the digest")
	}
	for _, other := range []string{`{"a":"X","b":["y"]}`, `{"a":"x"}`, `{"a":"x","b":["y","y"]}`, `{"a":"x","b":["y"],"c":""}`} {
		if digest(other) == same {
			t.Errorf("%s has the same digest", other)
		}
	}
	if _, err := Digest([]byte(`{"a":1,"a":2}`)); err == nil {
		t.Error("a name twice has a digest")
	}
}
