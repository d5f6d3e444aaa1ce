package plot

import (
	"fmt"
	"strings"
)

// Between puts text between two markers of a page, in place of what stands there.
func Between(page, begin, end, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("the markers %s and %s are missing", strings.TrimSpace(begin), end)
	}
	return before + begin + text + end + after, nil
}
