package etcdstore

import (
	"fmt"
	"strings"

	"folio/counter"
)

const (
	ledgers = "/folio/ledger/"
	holders = "/folio/holders/"
	held    = "/folio/held/"
	called  = "/folio/called"
)

func ledgerKey(s counter.Series) string { return ledgers + s.String() }

func holderKey(holder string) string { return holders + holder }

func heldKey(holder string, s counter.Series) string { return heldPrefix(holder) + s.String() }

func heldPrefix(holder string) string { return held + holder + "/" }

// parseSeries reads what Series.String wrote.
func parseSeries(path string) (counter.Series, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return counter.Series{}, fmt.Errorf("key ends in %q, want tenant/series/period", path)
	}
	s := counter.Series{Tenant: parts[0], Name: parts[1], Period: parts[2]}
	if s.Period == "-" {
		s.Period = ""
	}
	return s, validate(s)
}

// validate refuses names that could reach into another's keys. Callers have
// checked their names before; this is the last wall.
func validate(s counter.Series) error {
	if !isName(s.Tenant) || !isName(s.Name) || s.Period != "" && !isName(s.Period) || s.Period == "-" {
		return fmt.Errorf("series %q: names are lower-case letters, digits and hyphens", s.String())
	}
	return nil
}

func isName(name string) bool {
	for _, r := range name {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') {
			return false
		}
	}
	return name != "" && len(name) <= 100
}

func isHolder(name string) bool {
	pod, suffix, ok := strings.Cut(name, ".")
	return ok && isName(pod) && isName(suffix)
}
