package document

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MergePatch applies a JSON Merge Patch (RFC 7396) to target and returns the
// result as canonical JSON (RFC 8785). Both must be valid JSON; the patch may be
// any value, and one that is no object takes the place of the target.
func MergePatch(target, patch []byte) ([]byte, error) {
	var was, change any
	if err := json.Unmarshal(target, &was); err != nil {
		return nil, fmt.Errorf("read what is to be patched: %w", err)
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	merged, err := json.Marshal(merge(was, change))
	if err != nil {
		return nil, fmt.Errorf("write what was patched: %w", err)
	}
	v := jsontext.Value(merged)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonicalise what was patched: %w", err)
	}
	return v, nil
}

// merge is MergePatch of RFC 7396, section 2. It changes target.
func merge(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	result, ok := target.(map[string]any)
	if !ok {
		result = make(map[string]any)
	}
	for name, value := range change {
		if value == nil {
			delete(result, name)
			continue
		}
		result[name] = merge(result[name], value)
	}
	return result
}
