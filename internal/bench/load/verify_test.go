package load

import (
	"strings"
	"testing"
)

func TestVerifyNoticesWhatMustNotBe(t *testing.T) {
	given := func(numbers ...int64) []Given {
		var all []Given
		for _, n := range numbers {
			all = append(all, Given{0, n})
		}
		return all
	}
	row := func(rows, sum int64) []Stored { return []Stored{{Tenant: 0, Rows: rows, Sum: sum}} }
	for _, c := range []struct {
		name   string
		given  []Given
		rows   []Stored
		failed int64
		want   string // in the error; "": none
	}{
		{"all is well", given(2, 1, 3), row(3, 6), 0, ""},
		{"the same number of two tenants", []Given{{0, 1}, {1, 1}}, []Stored{{Tenant: 0, Rows: 1, Sum: 1}, {Tenant: 1, Rows: 1, Sum: 1}}, 0, ""},
		{"a number given twice", given(1, 2, 2), row(3, 5), 0, "given twice: the first is number 2"},
		{"a row too few", given(1, 2, 3), row(2, 3), 0, "3 numbers were acknowledged"},
		{"a row too many", given(1, 2), row(3, 6), 0, "3 rows are there"},
		{"other rows than those acknowledged", given(1, 2), row(2, 4), 0, "adding up to 4"},
		{"no rows at all", given(1), nil, 0, "no row is there"},
		{"rows of a tenant that was given none", nil, row(1, 1), 0, "1 rows are there for 0 numbers"},
		{"two rows with one number", given(1, 2), []Stored{{Rows: 2, Sum: 3, Duplicates: 1}}, 0, "that another row has"},
		{"the row of a request that failed", given(1, 2), row(3, 6), 1, ""},
		{"more rows than requests that failed", given(1, 2), row(4, 10), 1, "4 rows are there for 2 numbers"},
		{"a row too few and a failure", given(1, 2), row(1, 1), 1, "2 numbers were acknowledged"},
	} {
		err := Verify(c.given, c.rows, c.failed)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
