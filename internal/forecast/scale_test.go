package forecast

import (
	"go/constant"
	"go/token"
	"go/types"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page reads a document of the project.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableOf returns the cells of the one table between the markers of a name, without its head.
func tableOf(t *testing.T, text, name string) (rows [][]string) {
	t.Helper()
	_, after, begins := strings.Cut(text, "<!-- "+name+":begin -->")
	table, _, ends := strings.Cut(after, "<!-- "+name+":end -->")
	if !begins || !ends {
		t.Fatalf("docs/scale.md has no table %s", name)
	}
	for line := range strings.Lines(table) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) > 1 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 {
		t.Fatalf("the table %s of docs/scale.md has no rows", name)
	}
	return rows[2:]
}

// numberIn reads the number that a cell begins with, and what its last digit is worth.
func numberIn(cell string) (value, last float64, err error) {
	text, _, _ := strings.Cut(strings.ReplaceAll(cell, ",", ""), " ")
	value, err = strconv.ParseFloat(text, 64)
	_, decimals, _ := strings.Cut(text, ".")
	return value, math.Pow(10, -float64(len(decimals))), err
}

// inputsOf are the inputs of docs/scale.md, as constants for its arithmetic.
func inputsOf(t *testing.T, text string) *types.Package {
	t.Helper()
	known := types.NewPackage("scale", "scale")
	for _, row := range tableOf(t, text, "inputs") {
		value, _, err := numberIn(row[1])
		if err != nil {
			t.Fatalf("the input %s: %v", row[0], err)
		}
		define(known, row[0], value)
	}
	return known
}

func define(known *types.Package, name string, value float64) {
	known.Scope().Insert(types.NewConst(token.NoPos, known, name, types.Typ[types.UntypedFloat], constant.MakeFloat64(value)))
}

func valueOf(known *types.Package, expression string) (float64, error) {
	got, err := types.Eval(token.NewFileSet(), known, token.NoPos, expression)
	if err != nil {
		return 0, err
	}
	value, _ := constant.Float64Val(constant.ToFloat(got.Value))
	return value, nil
}

// wrongLines returns the lines of the example whose result is not what their
// arithmetic gives, rounded as the line has it. A line may use those before it.
func wrongLines(t *testing.T, text string) (wrong []string) {
	t.Helper()
	known := inputsOf(t, text)
	for _, row := range tableOf(t, text, "example") {
		name, result := row[1], row[3]
		value, err := valueOf(known, row[2])
		said, last, bad := numberIn(result)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case bad != nil:
			t.Errorf("%s: %v", name, bad)
		case math.Abs(value-said) > last/2*1.000001:
			wrong = append(wrong, name+": "+row[2]+" is "+strconv.FormatFloat(value, 'g', 6, 64)+", not "+result)
		}
		define(known, name, value)
	}
	return wrong
}

func TestTheExampleOfScaleAddsUp(t *testing.T) {
	text := page(t, "scale.md")
	for _, line := range wrongLines(t, text) {
		t.Error(line)
	}
	// The teeth: another input, another result.
	row := "| replica_us | "
	if !strings.Contains(text, row) || len(wrongLines(t, strings.Replace(text, row, row+"1", 1))) == 0 {
		t.Error("the CPU of an invoice is another, and no line is wrong")
	}
}

// TestScaleQuotesTheForecast: rows of the tables of performance.md that scale.md shows
// are theirs, and its inputs from the simulation are what that gives for a cell.
func TestScaleQuotesTheForecast(t *testing.T) {
	text, forecasts := page(t, "scale.md"), page(t, "performance.md")
	quoted := 0
	for line := range strings.Lines(text) {
		if strings.Count(line, "|") == 6 && !strings.Contains(line, "---") {
			quoted++
			if !strings.Contains(forecasts, line) {
				t.Errorf("docs/performance.md does not say: %s", line)
			}
		}
	}
	if quoted < 4 {
		t.Errorf("docs/scale.md quotes %d rows: the check shows nothing", quoted)
	}
	known := inputsOf(t, text)
	input := func(name string) float64 {
		value, err := valueOf(known, name)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for suffix, near := range map[string]int{"": 1, "_any": 0} {
		c := Million(near)
		c.Tenants, c.PerSecond, c.Replicas = int(input("tenants/cells")), input("rate/cells"), int(input("pods_a_cell"))
		f := forecast(t, c)
		all := f.Total()
		for name, want := range map[string]float64{
			"transactions": math.Floor(f.Rate(all.Swaps)),
			"written":      math.Round(f.Rate(float64(all.Stored)) / 1e3),
			"ledgers":      math.Round(float64(f.Store.LedgerBytes+f.Store.IndexBytes) / 1e6),
		} {
			if said := input(name + suffix); said != want {
				t.Errorf("docs/scale.md has %g for %s, the simulation gives %g", said, name+suffix, want)
			}
		}
	}
	if !slices.Contains(known.Scope().Names(), "connections") {
		t.Error("the inputs are not read")
	}
}
