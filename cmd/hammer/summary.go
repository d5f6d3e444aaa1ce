package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// summary is what a run prints.
type summary struct {
	History      string         `json:"history"`
	Requests     int            `json:"requests"`
	Acknowledged int            `json:"acknowledged"`
	Replayed     int            `json:"replayed"` // answers to a request that was known
	Unknown      int            `json:"unknown"`
	Retries      map[string]int `json:"retries"` // by cause
	Load         *loadFigures   `json:"load,omitempty"`
	Broken       map[string]int `json:"broken"`   // promises, by kind
	Forgiven     int            `json:"forgiven"` // acknowledgements that a restore has undone

	breaches []breach
}

func (s *summary) judge(requests map[string]*request, broken []breach) {
	s.Requests, s.Retries, s.Broken, s.breaches = len(requests), make(map[string]int), make(map[string]int), broken
	for _, r := range requests {
		for cause, n := range r.Retries {
			s.Retries[cause] += n
		}
		for _, a := range r.Answers {
			if a.Replayed {
				s.Replayed++
			}
		}
		switch {
		case len(r.Answers) > 0:
			s.Acknowledged++
		case len(r.Refused) == 0:
			s.Unknown++
		}
	}
	for _, b := range broken {
		s.Broken[b.kind]++
	}
}

// maxShown bounds the breaches that are printed one by one.
const maxShown = 20

func (s *summary) print(w io.Writer) {
	fmt.Fprintf(w, "requests %d, acknowledged %d, replayed %d, unknown %d\n", s.Requests, s.Acknowledged, s.Replayed, s.Unknown)
	for _, cause := range slices.Sorted(maps.Keys(s.Retries)) {
		fmt.Fprintf(w, "  tried again after %s: %d\n", cause, s.Retries[cause])
	}
	if l := s.Load; l != nil {
		fmt.Fprintf(w, "%.0f/s over %.1f s; p50 %s, p99 %s, p99.9 %s, max %s\n", l.PerSecond, l.Seconds, l.P50, l.P99, l.P999, l.Max)
	}
	if s.Forgiven > 0 {
		fmt.Fprintf(w, "acknowledgements that a restore has undone: %d\n", s.Forgiven)
	}
	for i, b := range s.breaches {
		if i == maxShown {
			fmt.Fprintf(w, "… and %d more\n", len(s.breaches)-maxShown)
			break
		}
		fmt.Fprintf(w, "BROKEN  %s: %s\n", b.kind, b.what)
	}
	if len(s.breaches) == 0 {
		fmt.Fprintln(w, "hammer: all promises held")
		return
	}
	fmt.Fprintf(w, "hammer: %d promises broken\n", len(s.breaches))
}
