package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// match is an If-Match header (RFC 9110, section 13.1.1).
type match struct {
	given bool
	any   bool     // "*"
	tags  []string // in their quotes; weak ones are left out, for they match nothing
}

// ifMatch reads the If-Match header of a request.
func ifMatch(r *http.Request) (match, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return match{}, nil
	}
	m := match{given: true}
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		m.any = true
		return m, nil
	}
	for {
		weak := strings.HasPrefix(rest, "W/")
		tag, after, ok := cutTag(strings.TrimPrefix(rest, "W/"))
		if !ok {
			return m, malformed("If-Match", `must be "*" or a list of entity tags in quotes, as ETag has them`)
		}
		if !weak {
			m.tags = append(m.tags, tag)
		}
		if after == "" {
			return m, nil
		}
		if after[0] != ',' {
			return m, malformed("If-Match", "has something other than a comma between two entity tags")
		}
		rest = strings.TrimLeft(after[1:], " \t")
	}
}

// cutTag cuts the entity tag off that text begins with, quotes included.
func cutTag(text string) (tag, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(text[1:], '"') + 1
	if end < 1 {
		return "", "", false
	}
	return text[:end+1], strings.TrimLeft(text[end+1:], " \t"), true
}

// matches reports whether what has this tag may be changed.
func (m match) matches(tag string) bool {
	return !m.given || m.any || slices.Contains(m.tags, tag)
}
