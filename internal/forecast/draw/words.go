package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// table is rows of cells; the first is the head.
type table [][]string

// markdown aligns the first column left and all others right.
func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|---" + strings.Repeat("|---:", len(row)-1) + "|\n")
		}
	}
	return b.String()
}

// count writes a whole number with a comma between thousands.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func percent(share float64) string {
	if share > 0 && share < 0.1 {
		return fmt.Sprintf("%.2g %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func ratio(of float64, per int64) string {
	r := of / float64(max(1, per))
	if r < 0.1 {
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// size writes bytes in the unit that leaves two or three digits.
func size(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if bytes < 999.5 {
			return threeDigits(bytes, unit)
		}
		bytes /= 1000
	}
	return threeDigits(bytes, "GB")
}

func threeDigits(v float64, unit string) string {
	if v < 9.95 && unit != "B" {
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.0f ms", d.Seconds()*1000) }

// rate writes a bound of a class: half-decades, so two digits say all.
func rate(perSecond float64) string {
	text := strconv.FormatFloat(perSecond, 'g', 2, 64)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func places(mean float64) string {
	if mean < 10 {
		return strconv.FormatFloat(mean, 'f', 1, 64)
	}
	return count(int64(mean + 0.5))
}
