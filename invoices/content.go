package invoices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"folio/invoices/document"
)

// content is what the content column holds.
type content struct {
	document.Draft
	Seller *document.Party `json:"seller,omitempty"`
	Totals document.Totals `json:"totals"`
}

// named returns p, nil if it says nothing.
func named(p document.Party) *document.Party {
	if p == (document.Party{}) {
		return nil
	}
	return &p
}

// contents writes contents as JSON. What it writes them with is used again; what it
// returns is the caller's own. The zero contents is ready.
type contents struct{ pens sync.Pool }

// contentKept is the largest buffer that is kept for the next content.
const contentKept = 64 << 10

// pen writes one content at a time.
type pen struct {
	says content
	text bytes.Buffer
	json *json.Encoder // into text
}

// of writes Draft, Seller and Totals of r.
func (c *contents) of(r *row) (string, error) {
	p, _ := c.pens.Get().(*pen)
	if p == nil {
		p = &pen{}
		p.json = json.NewEncoder(&p.text)
		p.json.SetEscapeHTML(false)
	}
	p.says = content{Draft: r.Draft, Seller: named(r.Seller), Totals: r.Totals}
	if err := p.json.Encode(&p.says); err != nil {
		return "", fmt.Errorf("encode the invoice: %w", err)
	}
	text := p.text.String()
	if p.text.Cap() <= contentKept {
		p.text.Reset()
		p.says = content{} // nothing of a document outlives it here
		c.pens.Put(p)
	}
	return text, nil
}
