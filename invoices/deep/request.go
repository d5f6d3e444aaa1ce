package deep

import (
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"
)

// Bounds of request ids, as the edge and the import keep them.
const (
	maxClientID = 255
	maxItem     = 1000 // items of one request
)

// request checks the identity of the request that the row answered. Its id begins with
// its origin: c of a client, s of the server, d of a draft, x of a cancellation, i of an
// import. What was moved in may bear the id of a client of another folio.
func (c *checker) request() {
	r := c.row
	if len(r.Digest) != sha256.Size {
		c.fail(KindRequest, "the digest of its request has %d bytes; a SHA-256 has %d", len(r.Digest), sha256.Size)
	}
	if r.Item < 0 || r.Item >= maxItem || r.Item > 0 && r.Kind != external {
		c.fail(KindRequest, "it is item %d of its request, which it cannot be", r.Item)
	}
	from, id, _ := strings.Cut(r.RequestID, ":")
	fault := ""
	switch {
	case from == "" || id == "" || strings.Trim(from, "abcdefghijklmnopqrstuvwxyz") != "":
		fault = "has no origin and id"
	case from == "i":
		fault = c.importFault(r, id)
	case from == "x":
		fault = c.cancelFault(r, id)
	case c.movedIn:
	default:
		fault = idFault(from, id)
	}
	if fault != "" {
		c.fail(KindRequest, "the id of its request, %q, %s", r.RequestID, fault)
	}
}

// idFault checks an id that this folio gave, or a client of it.
func idFault(from, id string) string {
	switch from {
	case "c":
		outside := func(b rune) bool { return b < 0x20 || b > 0x7e }
		if len(id) > maxClientID || strings.ContainsFunc(id, outside) {
			return "is none that a client can send"
		}
	case "s":
		if _, err := uuid.Parse(id); err != nil {
			return "is none that the server makes"
		}
	case "d":
		if rest, found := strings.CutPrefix(id, "dft_"); !found || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			return "names no draft"
		}
	default:
		return "has an origin that folio does not give"
	}
	return ""
}

// importFault checks the id of a row that was moved in without a request of its
// own: i:<import>:<line>, of which the digest is made.
func (c *checker) importFault(r *Row, id string) string {
	name, line, found := strings.Cut(id, ":")
	switch {
	case !c.movedIn:
		return "is of an import, but none brought the number"
	case !found || len(name) != 32 || strings.Trim(name, "0123456789abcdef") != "" || len(line) < 10 || strings.Trim(line, "0123456789") != "":
		return "names no import and line"
	}
	return digestFault(r)
}

// cancelFault checks the id of a credit note of all that was left of an invoice,
// which is made of the invoice's own.
func (c *checker) cancelFault(r *Row, id string) string {
	switch {
	case c.movedIn:
		return "" // the invoice may have another id by now
	case r.Credits == "":
		return "is of a cancellation, but the document credits nothing"
	case id != r.Credits:
		return "names another invoice than the one that it credits"
	}
	return digestFault(r)
}

func digestFault(r *Row) string {
	if sum := sha256.Sum256([]byte(r.RequestID)); string(sum[:]) != string(r.Digest) {
		return "does not have the digest that is made of it"
	}
	return ""
}
