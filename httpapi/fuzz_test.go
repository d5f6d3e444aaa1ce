package httpapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// odd are values that have broken programs before.
var odd = []any{
	nil, true, 0, -1, 1e308, "", " ", "0", "-0", "1e400", "NaN", "9223372036854775808", "\x00", "\u202e", "👩‍👩‍👧", "é", "é",
	strings.Repeat("x", 20_000), "'; drop table documents; --", "=cmd|' /C calc'!A0", "<script>", "../..", "2026-02-30", "0000-00-00",
	[]any{}, map[string]any{}, []any{nil}, map[string]any{"": ""}, "S", "EUR", "12.50",
}

// drawOdd returns a value of its own: a change that walks into it changes
// neither the list nor another place where it stands.
func drawOdd(t *rapid.T, label string) any {
	switch v := rapid.SampledFrom(odd).Draw(t, label).(type) {
	case map[string]any:
		return maps.Clone(v)
	case []any:
		return slices.Clone(v)
	default:
		return v
	}
}

// TestNothingInABodyMakesAServerError sends bodies with parts replaced, removed
// and added at random. Every answer keeps the contract, none is a 5xx, and what
// was accepted the contract allows, too.
func TestNothingInABodyMakesAServerError(t *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		e := newEdge(t, Config{})
		for range 25 {
			body := mutated(rt)
			got := e.ask(post(body))
			switch {
			case got.Code >= 500:
				rt.Fatalf("%d for %.300s\n%s", got.Code, body, got.Body)
			case got.Code == http.StatusCreated:
				accepted++
				if err := e.allows(post(body), body); err != nil {
					rt.Fatalf("accepted what the contract forbids: %v\n%.300s", err, body)
				}
			default:
				refused++
			}
		}
	})
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted == 0 || refused == 0 {
		t.Error("one of the two never happened: the test shows nothing")
	}
}

const fullBody = `{"series":"invoice","issue_date":"2026-11-23","due_date":"2026-12-01","currency":"EUR","note":"n","metadata":{"a":"b"},
"customer":{"name":"Ada","email":"a@b.c","tax_id":"AT1","address":{"street":"s","locality":"l","region":"r","postal_code":"p","country":"AT"}},
"lines":[{"description":"x","quantity":"2","unit":"h","unit_price":"1.50","discounts":[{"percent":"5","reason":"r"}],"tax":{"category":"S","rate":"20"}}],
"discounts":[{"amount":"1","tax":{"category":"S","rate":"20"}}],"charges":[{"percent":"1"}]}`

// mutated draws a body that is valid but for up to three changes.
func mutated(t *rapid.T) string { return mutatedOf(t, fullBody) }

func mutatedOf(t *rapid.T, valid string) string {
	var body any
	if err := json.Unmarshal([]byte(valid), &body); err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		body = change(t, body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// change walks into a value at random and replaces, removes or adds something.
func change(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || rapid.IntRange(0, 9).Draw(t, "here") == 0 {
			v[rapid.SampledFrom([]string{"x", "", "name", "Currency", "tax", "a/b~c", "\x00"}).Draw(t, "new key")] = drawOdd(t, "new")
			return v
		}
		k := rapid.SampledFrom(keys).Draw(t, "key")
		if rapid.IntRange(0, 9).Draw(t, "remove") == 0 {
			delete(v, k)
			return v
		}
		v[k] = change(t, v[k])
		return v
	case []any:
		if len(v) == 0 || rapid.IntRange(0, 5).Draw(t, "append") == 0 {
			return append(v, drawOdd(t, "element"))
		}
		v[0] = change(t, v[0])
		return v
	}
	return drawOdd(t, "value")
}
