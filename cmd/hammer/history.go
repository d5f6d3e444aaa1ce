package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"
)

// event is one line of a history: written before a request is sent, and after
// its answer came.
type event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // sent, answered, refused, failed
	Tenant  int       `json:"tenant"`
	Request string    `json:"request"`
	URL     string    `json:"url"`

	Sent     *content  `json:"sent,omitempty"`     // of sent
	Document *document `json:"document,omitempty"` // of answered
	Body     string    `json:"body,omitempty"`     // of answered: digest of the whole body; of refused: the problem
	Status   int       `json:"status,omitempty"`   // of answered and refused
	Cause    string    `json:"cause,omitempty"`    // of failed: why it will be tried again
}

// content is the part of an invoice that hammer makes up.
type content struct {
	Description string `json:"description"`
	Quantity    string `json:"quantity"`
	UnitPrice   string `json:"unit_price"`
}

// document is the part of an invoice that hammer judges by.
type document struct {
	ID      string  `json:"id"`
	Series  string  `json:"series"`
	Period  string  `json:"period"`
	Number  int64   `json:"number"`
	Printed string  `json:"printed_number"`
	Request string  `json:"request"` // of hammer's metadata
	Content content `json:"content"`
}

// request is what a history says of one request.
type request struct {
	Tenant  int
	ID      string
	Sent    content
	Answers []answer
	Refused []event // final refusals, which hammer never deserves
	Retries map[string]int

	// After are the highest numbers, by period, that its tenant knew when it
	// was first sent.
	After map[string]int64
}

type answer struct {
	document
	Body     string
	Replayed bool
}

// history is the record of a run: a file that is only appended to, and what it
// says so far.
type history struct {
	path string

	mu    sync.Mutex
	file  *os.File
	err   error // of the first write that failed
	all   map[string]*request
	known map[int]map[string]int64 // by tenant and period: the highest number answered
}

func openHistory(f flags) (*history, error) {
	h := &history{path: f.History, all: make(map[string]*request), known: make(map[int]map[string]int64)}
	var err error
	switch {
	case f.VerifyOnly != "":
		h.path = f.VerifyOnly
		return h, h.read()
	case f.History != "":
		h.file, err = os.OpenFile(f.History, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	default:
		h.file, err = os.CreateTemp("", "hammer-*.jsonl")
	}
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	h.path = h.file.Name()
	return h, nil
}

// read takes in a history of an earlier run.
func (h *history) read() error {
	f, err := os.Open(h.path)
	if err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read the history %s: %w", h.path, err)
		}
		h.fold(e)
	}
	return lines.Err()
}

// note appends e, and only then returns.
func (h *history) note(e event) {
	e.At = time.Now().UTC()
	line, err := json.Marshal(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		_, err = h.file.Write(append(line, '\n'))
	}
	if h.err == nil {
		h.err = err
	}
	h.fold(e)
}

// fold takes in one event. h.mu is held, or nobody else knows h yet.
func (h *history) fold(e event) {
	r := h.all[e.Request]
	if r == nil {
		r = &request{Tenant: e.Tenant, ID: e.Request, Retries: make(map[string]int), After: maps.Clone(h.known[e.Tenant])}
		h.all[e.Request] = r
	}
	switch e.Kind {
	case "sent":
		r.Sent = *e.Sent
	case "answered":
		r.Answers = append(r.Answers, answer{document: *e.Document, Body: e.Body, Replayed: e.Status == 200})
		h.learn(e.Tenant, *e.Document)
	case "refused":
		r.Refused = append(r.Refused, e)
	case "failed":
		r.Retries[e.Cause]++
	}
}

// learn notes the number of a document that a tenant was told. h.mu is held, or
// nobody else knows h yet.
func (h *history) learn(tenant int, d document) {
	if h.known[tenant] == nil {
		h.known[tenant] = make(map[string]int64)
	}
	h.known[tenant][d.Period] = max(h.known[tenant][d.Period], d.Number)
}

// requests returns what is known of every request. Nothing is noted any more.
func (h *history) requests() map[string]*request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// failed returns why the history is not whole; nil if it is.
func (h *history) failed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return fmt.Errorf("write the history %s: %w", h.path, h.err)
	}
	return nil
}

func (h *history) close() {
	if h.file != nil {
		_ = h.file.Close() // every line was written by itself
	}
}
