package document

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Digest returns the SHA-256 of a body as canonical JSON (RFC 8785): two bodies
// that say the same, however they are spaced and ordered, have the same digest.
func Digest(body []byte) ([32]byte, error) { return DigestInPlace(slices.Clone(body)) }

// DigestInPlace is Digest, and spoils body.
func DigestInPlace(body []byte) ([32]byte, error) {
	v := jsontext.Value(body)
	if err := v.Canonicalize(); err != nil {
		return [32]byte{}, fmt.Errorf("canonicalise the body: %w", err)
	}
	return sha256.Sum256(v), nil
}
