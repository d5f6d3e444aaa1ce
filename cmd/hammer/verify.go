package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// breach is one broken promise.
type breach struct {
	kind string
	what string
}

// The kinds of breaches, each of which the self-test plants.
const (
	voidRun        = "void run"
	unresolved     = "unresolved request"
	refusedRequest = "unexpected status"
	twoBodies      = "two answers to one request"
	lost           = "lost acknowledgement"
	renumbered     = "acknowledged number is not the stored one"
	duplicate      = "number given twice"
	doubleRequest  = "request stored twice"
	phantom        = "stored without a request"
	changed        = "content is not what was sent"
	foreign        = "another tenant's invoice"
	misprinted     = "printed number given twice"
)

// verify holds what clients were told against what is stored, and both against
// the promises. It is a pure function of the two.
func verify(requests map[string]*request, listed map[int][]document) []breach {
	v := &verifier{requests: requests, listed: listed, stored: make(map[string][]placed)}
	v.index()
	v.traffic()
	for _, id := range slices.Sorted(maps.Keys(requests)) {
		v.request(requests[id])
	}
	v.acknowledgedTwice()
	for _, tenant := range slices.Sorted(maps.Keys(listed)) {
		v.tenant(tenant, listed[tenant])
	}
	return v.broken
}

type verifier struct {
	requests map[string]*request
	listed   map[int][]document
	stored   map[string][]placed // by request
	broken   []breach
}

// placed is a document and the tenant it was listed for.
type placed struct {
	document
	tenant int
}

func (v *verifier) report(kind, format string, args ...any) {
	v.broken = append(v.broken, breach{kind: kind, what: fmt.Sprintf(format, args...)})
}

func (v *verifier) index() {
	for tenant, documents := range v.listed {
		for _, d := range documents {
			if d.Request != "" {
				v.stored[d.Request] = append(v.stored[d.Request], placed{d, tenant})
			}
		}
	}
}

// traffic: a run in which nothing was acknowledged shows nothing.
func (v *verifier) traffic() {
	for _, r := range v.requests {
		if len(r.Answers) > 0 {
			return
		}
	}
	v.report(voidRun, "no request was acknowledged, so nothing was shown")
}

// request judges one request: what it was told, and what is stored under it.
func (v *verifier) request(r *request) {
	for _, e := range r.Refused {
		v.report(refusedRequest, "%s got %d: %s", r.ID, e.Status, strings.TrimSpace(e.Body))
	}
	if len(r.Answers) == 0 {
		if len(r.Refused) == 0 {
			v.report(unresolved, "%s: nobody could say what became of it", r.ID)
		}
		return
	}
	told := r.Answers[0]
	for _, other := range r.Answers[1:] {
		if other.document != told.document || other.Body != told.Body {
			v.report(twoBodies, "%s: %s number %d, then %s number %d (bodies %s, %s)", r.ID, told.ID, told.Number, other.ID, other.Number, told.Body, other.Body)
		}
	}
	if told.Content != r.Sent {
		v.report(changed, "%s was sent as %+v, acknowledged as %+v", r.ID, r.Sent, told.Content)
	}
	v.kept(r, told)
}

// kept: what was acknowledged is stored, once, as it was acknowledged.
func (v *verifier) kept(r *request, told answer) {
	stored := v.stored[r.ID]
	if len(stored) == 0 {
		v.report(lost, "%s: %s number %d was acknowledged and is not there", r.ID, told.ID, told.Number)
		return
	}
	for _, d := range stored {
		switch {
		case d.ID != told.ID || d.Number != told.Number || d.Printed != told.Printed || d.Period != told.Period:
			v.report(renumbered, "%s: told %s %d (%s), stored %s %d (%s)", r.ID, told.ID, told.Number, told.Printed, d.ID, d.Number, d.Printed)
		case d.Content != r.Sent:
			v.report(changed, "%s was sent as %+v, stored as %+v", r.ID, r.Sent, d.Content)
		}
	}
}

// place is a number of a tenant.
type place struct {
	tenant int
	series string
	period string
	number int64
}

// acknowledgedTwice: no two requests were told the same number, stored or not, and
// none is stored for another request than was told it.
func (v *verifier) acknowledgedTwice() {
	owner := make(map[place]string)
	for _, id := range slices.Sorted(maps.Keys(v.requests)) {
		r := v.requests[id]
		for _, a := range r.Answers {
			at := place{r.Tenant, a.Series, a.Period, a.Number}
			if other, taken := owner[at]; taken && other != id {
				v.report(duplicate, "%s and %s were both told %s %s %d", other, id, a.Series, a.Period, a.Number)
			}
			owner[at] = id
		}
	}
	for tenant, documents := range v.listed {
		for _, d := range documents {
			at := place{tenant, d.Series, d.Period, d.Number}
			if told, known := owner[at]; known && told != d.Request {
				v.report(duplicate, "%s was told %s %s %d, which is stored for %q", told, d.Series, d.Period, d.Number, d.Request)
			}
		}
	}
}

// forgive takes away the breaches that a store brings about which was put back to an
// earlier state, or failed over: what was acknowledged is lost, and a request may be
// told another number. That a number is given to two is never forgiven.
func forgive(broken []breach) (left []breach, forgiven int) {
	for _, b := range broken {
		switch b.kind {
		case lost, twoBodies, renumbered:
			forgiven++
		default:
			left = append(left, b)
		}
	}
	return left, forgiven
}

// tenant judges what is stored for one tenant.
func (v *verifier) tenant(tenant int, documents []document) {
	numbers, printed, ids := make(map[place]bool), make(map[string]bool), make(map[string]bool)
	for _, d := range documents {
		at := place{tenant, d.Series, d.Period, d.Number}
		if numbers[at] {
			v.report(duplicate, "tenant %d has %s %s %d twice", tenant+1, d.Series, d.Period, d.Number)
		}
		if printed[d.Printed] && !numbers[at] {
			v.report(misprinted, "tenant %d has %s twice", tenant+1, d.Printed)
		}
		if d.Request != "" && ids[d.Request] {
			v.report(doubleRequest, "tenant %d has %s twice", tenant+1, d.Request)
		}
		numbers[at], printed[d.Printed], ids[d.Request] = true, true, true
		v.origin(tenant, d)
	}
}

// origin: an invoice of this run was asked for, by its own tenant.
func (v *verifier) origin(tenant int, d document) {
	r := v.requests[d.Request]
	switch {
	case r != nil && r.Tenant != tenant:
		v.report(foreign, "tenant %d sees %s of tenant %d", tenant+1, d.Request, r.Tenant+1)
	case r == nil && v.ofThisRun(d.Request):
		v.report(phantom, "tenant %d has %s number %d, which nobody asked for", tenant+1, d.Request, d.Number)
	}
}

// ofThisRun reports whether a request id has the beginning of this run's.
func (v *verifier) ofThisRun(id string) bool {
	run, _, ok := strings.Cut(id, "-")
	if !ok {
		return false
	}
	for known := range v.requests {
		return strings.HasPrefix(known, run+"-")
	}
	return false
}
