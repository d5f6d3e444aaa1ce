package main

import (
	"fmt"
	"io"
	"slices"
)

// plant is a history with one thing wrong, which the verifier must report.
type plant struct {
	kind  string
	spoil func(requests map[string]*request, listed map[int][]document)
}

// clean is a history in which every promise held: two tenants, three requests
// each, one answered twice, and a document of an earlier run.
func clean() (map[string]*request, map[int][]document) {
	requests, listed := make(map[string]*request), make(map[int][]document)
	for tenant := range 2 {
		listed[tenant] = append(listed[tenant], document{ID: "inv_old", Series: "invoice", Period: "2026", Number: 1, Printed: "INV-2026-000001", Request: "beef-1"})
		for i := range 3 {
			id := fmt.Sprintf("cafe-%d", 3*tenant+i)
			c := content{Description: "Blow " + id, Quantity: "2", UnitPrice: "3.00"}
			number := int64(i) + 2
			d := document{ID: "inv_" + id, Series: "invoice", Period: "2026", Number: number, Printed: fmt.Sprintf("INV-2026-%06d", number), Request: id, Content: c}
			requests[id] = &request{Tenant: tenant, ID: id, Sent: c, Answers: []answer{{document: d, Body: "b"}}, After: map[string]int64{"2026": number - 1}}
			listed[tenant] = append(listed[tenant], d)
		}
	}
	twice := requests["cafe-0"]
	twice.Answers = append(twice.Answers, twice.Answers[0])
	return requests, listed
}

// plants returns one broken history for each kind of breach.
func plants() []plant {
	type (
		rs = map[string]*request
		ls = map[int][]document
	)
	return []plant{
		{voidRun, func(r rs, l ls) { clear(r); clear(l) }},
		{unresolved, func(r rs, _ ls) { r["cafe-1"].Answers = nil }},
		{refusedRequest, func(r rs, _ ls) {
			r["cafe-1"].Refused = []event{{Kind: "refused", Status: 422, Body: "no"}}
		}},
		{twoBodies, func(r rs, _ ls) { r["cafe-0"].Answers[1].Body = "another" }},
		{twoBodies, func(r rs, _ ls) { r["cafe-0"].Answers[1].Number = 99 }},
		{lost, func(_ rs, l ls) { l[0] = l[0][:3] }},
		{lost, func(_ rs, l ls) { l[0][2].Request = "" }},
		{renumbered, func(_ rs, l ls) { l[1][2].Number = 77 }},
		{renumbered, func(_ rs, l ls) { l[1][2].Printed = "INV-2026-000077" }},
		{duplicate, func(_ rs, l ls) {
			l[0] = append(l[0], document{ID: "inv_x", Series: "invoice", Period: "2026", Number: 1})
		}},
		{duplicate, func(r rs, _ ls) { r["cafe-1"].Answers[0].Number = r["cafe-2"].Answers[0].Number }},
		{duplicate, func(_ rs, l ls) { l[0] = l[0][:3]; l[0][2].Request = "beef-2" }},
		{misprinted, func(_ rs, l ls) { l[0][0].Printed = l[0][1].Printed }},
		{doubleRequest, func(_ rs, l ls) {
			again := l[0][1]
			again.Number, again.ID, again.Printed = 50, "inv_again", "INV-2026-000050"
			l[0] = append(l[0], again)
		}},
		{phantom, func(_ rs, l ls) {
			l[0] = append(l[0], document{ID: "inv_p", Series: "invoice", Period: "2026", Number: 9, Printed: "p", Request: "cafe-99"})
		}},
		{changed, func(_ rs, l ls) { l[0][1].Content.Quantity = "20" }},
		{changed, func(r rs, _ ls) { r["cafe-4"].Answers[0].Content.UnitPrice = "0.01" }},
		{foreign, func(_ rs, l ls) { l[0] = append(l[0], l[1][1]) }},
		{hole, func(_ rs, l ls) { l[1] = slices.Delete(l[1], 1, 2) }},
		{hole, func(_ rs, l ls) { l[0] = l[0][1:] }},
		{misordered, func(r rs, _ ls) { r["cafe-1"].After["2026"] = 4 }},
		{misordered, func(r rs, _ ls) { r["cafe-4"].After["2026"] = r["cafe-4"].Answers[0].Number }},
	}
}

// judgeAll asks of a history all that can be asked.
func judgeAll(requests map[string]*request, listed map[int][]document) []breach {
	return append(verify(requests, listed), verifyGapless(requests, listed)...)
}

// selfTest feeds the verifier every broken history, and the clean one. It
// returns the exit status.
func selfTest(w io.Writer) int {
	status := 0
	requests, listed := clean()
	if broken := judgeAll(requests, listed); len(broken) > 0 {
		fmt.Fprintf(w, "WRONG    clean history: %v\n", broken)
		status = 1
	}
	for _, p := range plants() {
		requests, listed := clean()
		p.spoil(requests, listed)
		broken := judgeAll(requests, listed)
		if !slices.ContainsFunc(broken, func(b breach) bool { return b.kind == p.kind }) {
			fmt.Fprintf(w, "MISSED   %s\n", p.kind)
			status = 1
			continue
		}
		fmt.Fprintf(w, "noticed  %s\n", p.kind)
	}
	if left, forgiven := forgive([]breach{{kind: lost}, {kind: duplicate}}); forgiven != 1 || len(left) != 1 || left[0].kind != duplicate {
		fmt.Fprintf(w, "WRONG    a number given twice is forgiven, or a loss is not: %v\n", left)
		status = 1
	}
	if status == 0 {
		fmt.Fprintf(w, "hammer: all %d planted faults were noticed, the clean history was not accused\n", len(plants()))
	}
	return status
}
