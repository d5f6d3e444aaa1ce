package document

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parsed(t interface{ Fatal(...any) }, template string) Format {
	f, err := ParseFormat(template)
	if err != nil {
		t.Fatal(template, err)
	}
	return f
}

func TestTwoFormatsClashIfTheyCanPrintTheSame(t *testing.T) {
	for _, c := range []struct {
		f, g  string
		clash bool
	}{
		{"INV-{yyyy}-{seq:6}", "INV-{yyyy}-{seq:6}", true},
		{"INV-{yyyy}-{seq:6}", "CN-{yyyy}-{seq:6}", false},
		{"INV-{yyyy}-{seq:6}", "INV-{seq}", false},
		{"INV-{yyyy}-{seq:6}", "INV-2026-{seq}", true},     // from the millionth on
		{"INV-{yyyy}-{seq:6}", "INV-1969-{seq}", false},    // no such year
		{"INV-{yyyy}-{seq:6}", "INV-2026-{seq:3}", true},   // the hundred-thousandth
		{"INV-{yyyy}-{seq:6}", "INV-2026-00{seq:4}", true}, // INV-2026-000001
		{"A{seq}", "A1{seq}", true},
		{"A{seq}", "A0{seq}", false}, // a number has no leading zero
		{"A{seq:3}", "A0{seq}", true},
		{"{seq:3}", "000{seq}", false}, // beyond its width a number has no leading zero
		{"{yy}{seq}", "{seq}", true},
		{"{mm}/{seq}", "13/{seq}", false},
		{"{mm}/{seq}", "12/{seq}", true},
		{"{yyyy}{mm}{seq:4}", "{seq:16}", true},
		{"{yyyy}-{yy}-{seq}", "2026-27-{seq}", false}, // both are of one year
		{"{yyyy}-{yy}-{seq}", "2026-26-{seq}", true},
		{"9007199254740992{seq}", "{seq}", false}, // longer than any number
		{"95{seq:14}", "{seq:16}", false},         // higher than any number
		{"90{seq:14}", "{seq:16}", true},
		{"{series}-{seq}", "a-{seq}", true},  // of the series a
		{"{series}-{seq}", "b-{seq}", false}, // of the series b, here a literal
		{"{tenant}-{seq}", "acme-{seq}", true},
		{"{seq}-{series}", "{seq}-{yyyy}", false},
		{"ä{seq}", "ä{seq:2}", true},
		{"ä{seq}", "å{seq}", false},
	} {
		f, g := parsed(t, c.f), parsed(t, c.g)
		a, b := Names{Series: "a", Tenant: "acme"}, Names{Series: "b", Tenant: "acme"}
		found, clash := FindClash(f, a, g, b)
		if clash != c.clash {
			t.Errorf("%s and %s: clash %v %+v, want %v", c.f, c.g, clash, found, c.clash)
		}
		if err := witnessed(found, f, a, g, b); clash && err != nil {
			t.Errorf("%s and %s: %v", c.f, c.g, err)
		}
	}
}

// witnessed prints both sides of a clash.
func witnessed(c Clash, f Format, a Names, g Format, b Names) error {
	for i, side := range []struct {
		Format
		Names
	}{{f, a}, {g, b}} {
		var bad check
		if !bad.date("", c.IssueDate[i]) || c.Number[i] < 1 || c.Number[i] > MaxNumber {
			return fmt.Errorf("there is no number %d of %s", c.Number[i], c.IssueDate[i])
		}
		if got := printed(side.Format, side.Names, c.Number[i], c.IssueDate[i]); got != c.Text {
			return fmt.Errorf("number %d of %s is printed %q, not %q", c.Number[i], c.IssueDate[i], got, c.Text)
		}
	}
	return nil
}

func printed(f Format, of Names, number int64, date string) string {
	return f.Print(number, Fields{IssueDate: date, Series: of.Series, Tenant: of.Tenant})
}

// drawFormat draws from few parts, so that formats often meet.
func drawFormat(t *rapid.T, label string) (Format, string) {
	part := rapid.SampledFrom([]string{"", "", "0", "1", "20", "12", "-", "-", "A", "{yyyy}", "{yy}", "{mm}", "{series}", "{tenant}"})
	var b strings.Builder
	for i := range 5 {
		if i == 2 {
			b.WriteString(rapid.SampledFrom([]string{"{seq}", "{seq}", "{seq:1}", "{seq:3}", "{seq:6}"}).Draw(t, label))
			continue
		}
		b.WriteString(part.Draw(t, label))
	}
	return parsed(t, b.String()), b.String()
}

func TestFormatsThatAreDeclaredDisjointNeverPrintTheSame(t *testing.T) {
	clashes, apart := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f, one := drawFormat(t, "f")
		g, other := drawFormat(t, "g")
		a := Names{Series: rapid.SampledFrom([]string{"a", "1", "20-26"}).Draw(t, "a"), Tenant: "1"}
		b := Names{Series: rapid.SampledFrom([]string{"b", "12", "6"}).Draw(t, "b"), Tenant: "1"}
		found, clash := FindClash(f, a, g, b)
		_, reversed := FindClash(g, b, f, a)
		if clash != reversed {
			t.Fatalf("%s, %s: clash %v, the other way round %v", one, other, clash, reversed)
		}
		if clash {
			clashes++
			if err := witnessed(found, f, a, g, b); err != nil {
				t.Fatalf("%s, %s: %v", one, other, err)
			}
			return
		}
		apart++
		if text, ok := bySearch(t, f, a, g, b); ok {
			t.Fatalf("%s and %s both print %q", one, other, text)
		}
	})
	t.Logf("%d clashes, %d pairs apart", clashes, apart)
	if clashes == 0 || apart == 0 {
		t.Error("one of the two never happened: the test shows nothing")
	}
}

// bySearch looks for a text that both print among many of each: an oracle that
// knows nothing of cells.
func bySearch(t *rapid.T, f Format, a Names, g Format, b Names) (string, bool) {
	var dates []string
	for _, year := range []int{1970, 1999, 2000, 2011, 2012, 2020, 2026, 2112, 2999, rapid.IntRange(1970, 2999).Draw(t, "year")} {
		for month := 1; month <= 12; month++ {
			dates = append(dates, fmt.Sprintf("%04d-%02d-01", year, month))
		}
	}
	numbers := []int64{100, 120, 200, 201, 202, 212, 1000, 1012, 1201, 2001, 2012, 2026, 12012, 20121, 112012, 1000001, 2026001, 20260001, 20261201}
	for n := range int64(35) {
		numbers = append(numbers, n+1)
	}
	seen := make(map[string]bool)
	for _, date := range dates {
		for _, n := range numbers {
			seen[printed(f, a, n, date)] = true
		}
	}
	for _, date := range dates {
		for _, n := range numbers {
			if text := printed(g, b, n, date); seen[text] {
				return text, true
			}
		}
	}
	return "", false
}

func TestTheSearchFindsWhatItMust(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := parsed(t, "A{yyyy}{seq}")
		if _, ok := bySearch(t, f, Names{}, parsed(t, "A20{seq}"), Names{}); !ok {
			t.Error("A20261 is printed by both, and the search missed it")
		}
	})
}

func TestASeriesThatRestartsNeedsItsPeriodInItsFormat(t *testing.T) {
	for _, c := range []struct {
		template string
		ok       []PeriodRule
	}{
		{"{seq}", []PeriodRule{PeriodNone}},
		{"{yyyy}-{seq}", []PeriodRule{PeriodNone, PeriodYear}},
		{"{yy}-{seq}", []PeriodRule{PeriodNone, PeriodYear}},
		{"{mm}-{seq}", []PeriodRule{PeriodNone}},
		{"{seq}/{mm}{yy}", []PeriodRule{PeriodNone, PeriodYear, PeriodMonth}},
	} {
		f := parsed(t, c.template)
		for _, rule := range []PeriodRule{PeriodNone, PeriodYear, PeriodMonth} {
			want := false
			for _, ok := range c.ok {
				want = want || ok == rule
			}
			if err := f.Repeats(rule); (err == nil) != want {
				t.Errorf("%s, %s: %v", c.template, rule, err)
			}
		}
	}
}

// What Repeats lets pass never prints two numbers of a series the same, within a
// century.
func TestANumberOfASeriesIsPrintedByNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, template := drawFormat(t, "f")
		rule := rapid.SampledFrom([]PeriodRule{PeriodNone, PeriodYear, PeriodMonth}).Draw(t, "rule")
		if f.Repeats(rule) != nil {
			t.Skip("refused")
		}
		type number struct {
			period string
			n      int64
		}
		of, seen := Names{Series: "a-1", Tenant: "t"}, make(map[string]number)
		for range 200 {
			date := fmt.Sprintf("%04d-%02d-01", rapid.IntRange(2000, 2099).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"))
			me := number{rule.Period(date), rapid.Int64Range(1, 1200).Draw(t, "n")}
			text := printed(f, of, me.n, date)
			if other, ok := seen[text]; ok && other != me {
				t.Fatalf("%s prints %+v and %+v as %q", template, me, other, text)
			}
			seen[text] = me
		}
	})
}

func BenchmarkFindClash(b *testing.B) {
	f, g := parsed(b, "{mm}{yyyy}{seq}{yy}{mm}"), parsed(b, "1{yyyy}{seq}{mm}{mm}5")
	for b.Loop() {
		FindClash(f, Names{}, g, Names{})
	}
}
