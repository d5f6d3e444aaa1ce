package invoices

import (
	"fmt"
	"strings"
	"time"
)

// Span is a length of time, as text such as "24h", "90m" or "36h30m".
type Span time.Duration

// MarshalText writes s without parts that are zero.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the text of s.
func (s Span) String() string {
	text := time.Duration(s).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// UnmarshalText reads what time.ParseDuration reads.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("is no length of time: want hours, minutes and seconds, such as \"24h\" or \"90m\"")
	}
	*s = Span(d)
	return nil
}

func (s Span) seconds() int64 { return int64(time.Duration(s) / time.Second) }
