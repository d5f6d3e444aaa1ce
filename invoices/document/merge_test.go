package document

import "testing"

// The examples of RFC 7396, appendix A.
func TestMergePatchDoesWhatTheRFCSays(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		if got, err := MergePatch([]byte(c.target), []byte(c.patch)); err != nil || string(got) != c.want {
			t.Errorf("%s patched with %s: %s, %v; want %s", c.target, c.patch, got, err, c.want)
		}
	}
	for _, patch := range []string{``, `{`, `{"a":1,"a":2}`, "\"\xff\"", `{} {}`} {
		if got, err := MergePatch([]byte(`{}`), []byte(patch)); err == nil {
			t.Errorf("%q was taken for a patch: %s", patch, got)
		}
	}
}
