package httpapi

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// The contract lists each type of a problem behind its status, and no other.
func TestTheContractNamesEveryProblem(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Description, "<slug>. ")
	named, status := make(map[string]int), 0
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",.", r) }) {
		if n, err := strconv.Atoi(word); err == nil {
			status = n
			continue
		}
		named[word] = status
	}
	given := map[string]int{"malformed": 400, "invalid": 422, "internal": 500}
	for _, s := range statuses {
		given[s.slug] = s.status
	}
	for slug, status := range given {
		if named[slug] != status {
			t.Errorf("%s is a %d, the contract says %d", slug, status, named[slug])
		}
	}
	for slug := range named {
		if given[slug] == 0 {
			t.Errorf("the contract names %s, which is never given", slug)
		}
	}
}
