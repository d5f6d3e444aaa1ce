package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Kind says what is posted.
type Kind struct {
	Path  string // of the URL
	Lines int    // of each invoice
	Batch int    // invoices in a request; 0: a single one, or as the path has it
	Body  string // instead of an invoice; "": an invoice

	Series string // that the invoices name; "": the one they have by default
	NoKey  bool   // without an Idempotency-Key
}

// Per is how many numbers a request takes.
func (k Kind) Per() int { return max(1, k.Batch) }

// Invoice is the body of one invoice.
func (k Kind) Invoice() string {
	var b bytes.Buffer
	b.WriteByte('{')
	if k.Series != "" {
		fmt.Fprintf(&b, `"series":%q,`, k.Series)
	}
	b.WriteString(`"currency":"EUR","customer":{"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","locality":"London","country":"GB"}},"lines":[`)
	for i := range k.Lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"description":"Translation, part %d","quantity":"%d","unit":"h","unit_price":"%d.50","tax":{"category":"S","rate":"19"}}`, i+1, i%7+1, 80+i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// Forms are what all requests of one kind have in common, by tenant.
type Forms struct {
	kind  Kind
	heads [][]byte // by tenant, up to the request id
	tail  []byte   // behind it
	rest  []byte   // of an invoice in a batch, behind its request id
}

// NewForms makes the forms for tenants with these API keys.
func NewForms(kind Kind, keys []string) *Forms {
	f := &Forms{kind: kind}
	for _, key := range keys {
		head := "POST " + kind.Path + " HTTP/1.1\r\nHost: folio\r\nContent-Type: application/json\r\nAuthorization: Bearer " + key + "\r\n"
		f.heads = append(f.heads, []byte(head))
	}
	body := kind.Body
	if body == "" {
		body = kind.Invoice()
	}
	f.rest = []byte(`",` + body[1:])
	if kind.Batch == 0 {
		f.tail = fmt.Appendf(nil, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	return f
}

// Writer makes the requests of one connection: every one with a request id of its own.
type Writer struct {
	*Forms
	id    []byte // what the ids of this connection begin with
	count int64
	out   []byte
}

// Writer makes a writer. No two have the same name.
func (f *Forms) Writer(name string) *Writer { return &Writer{Forms: f, id: []byte(name + "-")} }

// Next returns the next request of a tenant, valid until the next call.
func (w *Writer) Next(tenant int) []byte {
	w.count++
	w.out = append(w.out[:0], w.heads[tenant]...)
	switch {
	case w.kind.Batch > 0:
		body := w.batch()
		w.out = fmt.Appendf(w.out, "Content-Length: %d\r\n\r\n", len(body))
		return append(w.out, body...)
	case !w.kind.NoKey:
		w.out = append(w.out, "Idempotency-Key: "...)
		w.out = strconv.AppendInt(append(w.out, w.id...), w.count, 10)
		w.out = append(w.out, "\r\n"...)
	}
	w.out = append(w.out, w.tail...)
	return w.out
}

func (w *Writer) batch() []byte {
	body := []byte(`{"invoices":[`)
	for i := range w.kind.Batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(body, `{"request_id":"`...), w.id...)
		body = append(strconv.AppendInt(body, w.count, 10), '-')
		body = append(strconv.AppendInt(body, int64(i), 10), w.rest...)
	}
	return append(body, "]}"...)
}

// Numbers appends the numbers that an answer names to all; an error tells what the
// answer is instead.
func (k Kind) Numbers(all []int64, status int, body []byte) ([]int64, error) {
	want := 201
	if k.Batch > 0 {
		want = 200
	}
	before := len(all)
	for rest := body; status == want; {
		_, after, found := bytes.Cut(rest, []byte(`"number":`))
		if !found {
			break
		}
		end := bytes.IndexAny(after, ",}")
		n, err := strconv.ParseInt(string(after[:max(end, 0)]), 10, 64)
		if err != nil {
			return all[:before], fmt.Errorf("a number in an answer: %w", err)
		}
		all, rest = append(all, n), after[end:]
	}
	if status != want || len(all)-before != k.Per() {
		return all[:before], fmt.Errorf("status %d with %d numbers, want %d with %d: %.300s", status, len(all)-before, want, k.Per(), body)
	}
	return all, nil
}

// Crowd chooses tenants: the i-th of n is asked for as often as 1/(i+1) says (Zipf's
// law).
type Crowd struct {
	upTo   []float64 // share of the tenants up to each
	first  int
	step   int // from a tenant to the next
	random *rand.Rand
}

// Only is a crowd of one tenant.
func Only(tenant int) *Crowd { return &Crowd{first: tenant} }

// NewCrowd makes a crowd of n tenants, at least one. The same seed makes the same
// choices.
func NewCrowd(n int, seed uint64) *Crowd { return NewPart(0, 1, n, seed) }

// NewPart makes the part-th, from 0, of so many parts of a crowd of n tenants, at least
// as many as parts: each tenant is in one, by its place modulo the number of parts, and
// has among those in it the weight that it has in the whole.
func NewPart(part, parts, n int, seed uint64) *Crowd {
	c := &Crowd{first: part, step: parts}
	sum := 0.0
	for i := part; i < n; i += parts {
		sum += 1 / float64(i+1)
		c.upTo = append(c.upTo, sum)
	}
	return c.Again(seed)
}

// Again is the same crowd with choices of its own.
func (c *Crowd) Again(seed uint64) *Crowd {
	again := *c
	again.random = rand.New(rand.NewPCG(seed, 6))
	return &again
}

// Next returns the next tenant, from 0.
func (c *Crowd) Next() int {
	if len(c.upTo) <= 1 {
		return c.first
	}
	at := c.random.Float64() * c.upTo[len(c.upTo)-1]
	low, high := 0, len(c.upTo)-1
	for low < high {
		if mid := (low + high) / 2; c.upTo[mid] > at {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return c.first + low*c.step
}
