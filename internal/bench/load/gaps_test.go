package load

import (
	"slices"
	"testing"
	"time"
)

func TestTheLongestGapsComeFirst(t *testing.T) {
	ms := func(all ...int) (answers []time.Duration) {
		for _, n := range all {
			answers = append(answers, time.Duration(n)*time.Millisecond)
		}
		return answers
	}
	for _, row := range []struct {
		name    string
		answers []time.Duration
		want    []Gap
	}{
		{"no answer at all", nil, []Gap{{0, 1}}},
		{"the ends of the window count", ms(400, 500), []Gap{{0.5, 0.5}, {0, 0.4}, {0.4, 0.1}}},
		{"in any order, some at once", ms(900, 100, 100, 0), []Gap{{0.1, 0.8}, {0, 0.1}, {0.9, 0.1}}},
		{"no more than are kept", ms(100, 200, 300, 400, 500, 600, 990), []Gap{{0.6, 0.39}, {0, 0.1}, {0.1, 0.1}, {0.2, 0.1}, {0.3, 0.1}}},
	} {
		if got := longestGaps(row.answers, time.Second); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
