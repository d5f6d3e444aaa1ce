package httpapi

import (
	"net/http"
	"strings"
)

// maxRequestID bounds an idempotency key, in characters.
const maxRequestID = 255

// requestID reads the Idempotency-Key: a string of RFC 8941, in quotes, as the
// IETF draft has it, or the same bare. "" if there is none.
func requestID(r *http.Request) (string, error) {
	const header = "Idempotency-Key"
	values := r.Header.Values(header)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", malformed(header, "is given twice; give it once")
	}
	id := strings.Trim(values[0], " \t")
	if strings.HasPrefix(id, `"`) {
		var ok bool
		if id, ok = unquote(id); !ok {
			return "", malformed(header, `begins with a quote and is no string in quotes; inside, write \" and \\`)
		}
	}
	if err := checkRequestID(header, id); err != nil {
		return "", err
	}
	return id, nil
}

// checkRequestID checks a request id; at is where it was given.
func checkRequestID(at, id string) error {
	if len(id) == 0 || len(id) > maxRequestID {
		return malformed(at, "must have 1 to 255 characters; leave it out to have none")
	}
	for _, c := range []byte(id) {
		if c < 0x20 || c > 0x7e {
			return malformed(at, "must consist of printable ASCII characters")
		}
	}
	return nil
}

// unquote reads a string of RFC 8941, section 3.3.3.
func unquote(s string) (string, bool) {
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return out.String(), i == len(s)-1
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			out.WriteByte(s[i])
		case c == '\\':
			return "", false
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}
