package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"folio/invoices"
)

// holding keeps each request until as many have come as it waits for, and keeps what they
// wished for ever.
type holding struct {
	*stub
	all sync.WaitGroup

	mu   sync.Mutex
	kept map[string]invoices.Request // by their ids
}

func (h *holding) Issue(ctx context.Context, r invoices.Request) (invoices.Issued, error) {
	h.mu.Lock()
	h.kept[r.ID] = r
	h.mu.Unlock()
	h.all.Done()
	h.all.Wait()
	if err := ctx.Err(); err != nil {
		return invoices.Issued{}, fmt.Errorf("%w: %w", invoices.ErrOutcomeUnknown, err)
	}
	return h.stub.Issue(ctx, r)
}

// bodyOf says its name in every text, and is as long as no other.
func bodyOf(name string, i int) string {
	return strings.NewReplacer("Ada", name, `"x"`, `"`+strings.Repeat(name+" ", i%40+1)+`"`).Replace(goodBody)
}

// What a request wished, and what it was answered, is its own: while others are read and
// answered with the same buffers, and after its client and its handler are gone.
func TestRequestsAtOnceShareBuffersAndNothingElse(t *testing.T) {
	const requests, rounds = 32, 8
	s := &stub{}
	h := &holding{stub: s, kept: make(map[string]invoices.Request)}
	handler := New(Config{Issuer: h, Keys: s})
	gone, leave := context.WithCancel(t.Context())
	leave()
	for round := range rounds {
		h.all.Add(requests)
		var asking sync.WaitGroup
		for i := range requests {
			asking.Go(func() {
				name := fmt.Sprintf("Ada-%d-%d", round, i)
				req := post(bodyOf(name, i))
				req.Header.Set("Idempotency-Key", name)
				if i%4 == 0 {
					req = req.WithContext(gone) // its client has left
				}
				rec := httptest.NewRecorder()
				handler.ServeHTTP(rec, req)
				var got struct{ Customer struct{ Name string } }
				switch err := json.Unmarshal(rec.Body.Bytes(), &got); {
				case err != nil:
					t.Errorf("%s is answered %s: %v", name, rec.Body, err)
				case i%4 == 0 && rec.Code != http.StatusServiceUnavailable:
					t.Errorf("%s, who has left, is answered %d", name, rec.Code)
				case i%4 > 0 && (rec.Code != http.StatusCreated || got.Customer.Name != name):
					t.Errorf("%s is answered %d %s", name, rec.Code, rec.Body)
				}
			})
		}
		asking.Wait()
	}
	for round := range rounds {
		for i := range requests {
			name := fmt.Sprintf("Ada-%d-%d", round, i)
			body := []byte(bodyOf(name, i))
			draft, err := decodeDraft(body)
			if err != nil {
				t.Fatal(err)
			}
			digest, err := digestOf(body)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.kept[name]; fmt.Sprint(got.Draft) != fmt.Sprint(draft) || got.Digest != digest {
				t.Errorf("%s had wished %+v, which has become %+v", name, draft, got)
			}
		}
	}
}

// The documents of a batch are read while its buffer is another's.
func TestBatchesAtOnceShareBuffersAndNothingElse(t *testing.T) {
	e := newEdge(t, Config{})
	var asking sync.WaitGroup
	for i := range 16 {
		asking.Go(func() {
			for round := range 8 {
				var items []string
				for item := range 5 {
					id := fmt.Sprintf("Ada-%d-%d-%d", i, round, item)
					items = append(items, `{"request_id":"`+id+`",`+bodyOf(id, i)[1:])
				}
				rec := httptest.NewRecorder()
				e.handler.ServeHTTP(rec, batchOf(items...))
				for item, r := range resultsOf(t, rec).Results {
					if want := fmt.Sprintf("Ada-%d-%d-%d", i, round, item); r.RequestID != want || r.Invoice == nil || r.Invoice.Customer.Name != want {
						t.Errorf("%s is answered %+v", want, r)
					}
				}
			}
		})
	}
	asking.Wait()
}

func TestAnEmptyBufferIsGivenAndALargeOneIsNotKept(t *testing.T) {
	var b buffers
	used := b.get()
	used.WriteString("another's")
	b.put(used)
	if next := b.get(); next.Len() != 0 {
		t.Errorf("a buffer is given with %q in it", next)
	}
	large := bytes.NewBuffer(make([]byte, 0, bufferKept+1))
	b.put(large)
	for range 10 {
		if b.get() == large {
			t.Error("a large buffer was kept")
		}
	}
	var none *buffers
	none.put(none.get())
}

// A body is read into as much as it needs, however long it says that it will be.
func TestABodyThatIsAnnouncedTakesNoMoreThanABufferThatIsKept(t *testing.T) {
	for length, most := range map[int64]int{-1: 1 << 10, 400: 1 << 10, 60_000: bufferKept, maxBody: bufferKept} {
		req := post(goodBody)
		req.ContentLength = length
		var body bytes.Buffer
		if err := readInto(&body, httptest.NewRecorder(), req, maxBody, "application/json"); err != nil {
			t.Fatal(err)
		}
		if body.String() != goodBody || body.Cap() > most {
			t.Errorf("%d bytes announced, %d came: a buffer of %d", length, body.Len(), body.Cap())
		}
	}
}
