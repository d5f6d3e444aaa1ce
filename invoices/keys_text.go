package invoices

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// An API key is folio_live_ or folio_test_, 24 random characters of base62 (142 bits) and 6 that
// are the CRC-32 of all before them: so a typo, or a string that only looks like
// a key, is told without a question to the database, and a scanner for leaked
// secrets can tell real ones.
const (
	keyLive   = "folio_live_"
	keyTest   = "folio_test_" // a mark for people: it does what a live one does
	keyRandom = 24
	keySum    = 6
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newKeyText makes an API key that begins with prefix. It is shown once and kept
// nowhere.
func newKeyText(prefix string) string {
	body := prefix + randomText(keyRandom)
	return body + keyChecksum(body)
}

// wellFormedKey reports whether text can be an API key.
func wellFormedKey(text string) bool {
	if len(text) != len(keyLive)+keyRandom+keySum || !strings.HasPrefix(text, keyLive) && !strings.HasPrefix(text, keyTest) {
		return false
	}
	body := text[:len(text)-keySum]
	return text[len(body):] == keyChecksum(body)
}

func keyHash(text string) [32]byte { return sha256.Sum256([]byte(text)) }

func keyChecksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [keySum]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// randomText returns n characters of base62, each equally likely.
func randomText(n int) string {
	var out strings.Builder
	var random [64]byte
	for out.Len() < n {
		rand.Read(random[:]) // never fails, see crypto/rand
		for _, b := range random {
			if b < 4*62 && out.Len() < n { // the rest would favour some characters
				out.WriteByte(base62[b%62])
			}
		}
	}
	return out.String()
}
