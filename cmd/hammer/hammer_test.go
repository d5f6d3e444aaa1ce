package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server keeps invoices in memory, as the real one should, but for what spoil
// does: it is asked before each answer and may change or swallow it.
type server struct {
	mu     sync.Mutex
	stored map[string][]map[string]any // by key
	byID   map[string]map[string]any   // by key and request id
	posts  int                         // new requests
	spoil  func(post int, doc map[string]any) verdict
}

// verdict is what becomes of an answer.
type verdict int

const (
	send       verdict = iota
	swallow            // stored, and the connection is cut
	unstored           // acknowledged and forgotten
	later              // not stored, 503
	secondCopy         // stored twice
	refuse             // 422
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method == http.MethodGet {
		s.list(w, key)
		return
	}
	var doc map[string]any
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status, doc, v := s.store(key, r.Header.Get("Idempotency-Key"), doc)
	switch v {
	case swallow:
		panic(http.ErrAbortHandler)
	case later:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case refuse:
		w.WriteHeader(http.StatusUnprocessableEntity)
	default:
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(doc)
	}
}

func (s *server) store(key, id string, doc map[string]any) (int, map[string]any, verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byID[key+id]; known != nil {
		return http.StatusOK, known, send
	}
	s.posts++
	n := len(s.stored[key]) + 1
	doc["id"], doc["number"], doc["period"], doc["printed_number"] = fmt.Sprint("inv_", n), n, "2026", fmt.Sprint("INV-", n)
	v := send
	if s.spoil != nil {
		v = s.spoil(s.posts, doc)
	}
	if s.stored == nil {
		s.stored, s.byID = make(map[string][]map[string]any), make(map[string]map[string]any)
	}
	if v != later && v != refuse {
		s.byID[key+id] = doc
	}
	if v == send || v == swallow || v == secondCopy {
		s.stored[key] = append(s.stored[key], doc)
	}
	if v == secondCopy {
		s.stored[key] = append(s.stored[key], doc)
	}
	return http.StatusCreated, doc, v
}

func (s *server) list(w http.ResponseWriter, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"invoices": s.stored[key], "next_cursor": nil})
}

// strike runs hammer against a server and returns its exit status and words.
func strike(t *testing.T, s *server, args ...string) (int, string) {
	t.Helper()
	srv := httptest.NewServer(s)
	defer srv.Close()
	var out bytes.Buffer
	status := run(t.Context(), append([]string{
		"--urls", srv.URL + "," + srv.URL, "--keys", "one,two", "--requests", "200", "--connections", "8",
		"--history", filepath.Join(t.TempDir(), "history.jsonl"), "--give-up", "5s",
	}, args...), &out, &out)
	return status, out.String()
}

func TestAServerThatKeepsItsPromisesIsCleared(t *testing.T) {
	status, out := strike(t, &server{}, "--repeat-share", "0.3")
	if status != 0 || !strings.Contains(out, "acknowledged 200") || !strings.Contains(out, "all promises held") {
		t.Fatalf("status %d\n%s", status, out)
	}
	if strings.Contains(out, "replayed 0,") {
		t.Errorf("nothing was sent twice:\n%s", out)
	}
}

func TestConnectionsAreClosedSoThatABalancerChoosesAnew(t *testing.T) {
	for share, want := range map[string]func(connections int64) bool{
		"0": func(n int64) bool { return n < 50 },
		"1": func(n int64) bool { return n >= 200 },
	} {
		var connections atomic.Int64
		srv := httptest.NewUnstartedServer(&server{})
		srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				connections.Add(1)
			}
		}
		srv.Start()
		var out bytes.Buffer
		status := run(t.Context(), []string{
			"--urls", srv.URL, "--keys", "one", "--requests", "200", "--connections", "8", "--repeat-share", "0",
			"--history", filepath.Join(t.TempDir(), "history.jsonl"), "--close-share", share,
		}, &out, &out)
		srv.Close()
		if n := connections.Load(); status != 0 || !want(n) {
			t.Errorf("share %s: status %d, %d connections for 200 requests\n%s", share, status, n, &out)
		}
	}
}

func TestAnOpenLoopSendsAtFixedTimes(t *testing.T) {
	status, out := strike(t, &server{}, "--rate", "2000")
	if status != 0 || !strings.Contains(out, "acknowledged 200") {
		t.Fatalf("status %d\n%s", status, out)
	}
}

func TestARequestIsSentAgainUntilItsOutcomeIsKnown(t *testing.T) {
	s := &server{spoil: func(post int, _ map[string]any) verdict {
		return []verdict{send, swallow, later}[post%3]
	}}
	status, out := strike(t, s)
	if status != 0 || !strings.Contains(out, "acknowledged 200") {
		t.Fatalf("status %d\n%s", status, out)
	}
	for _, cause := range []string{"connection failed", "status 503"} {
		if !strings.Contains(out, "tried again after "+cause) {
			t.Errorf("never tried again after %s:\n%s", cause, out)
		}
	}
}

func TestABrokenPromiseEndsWithStatusOne(t *testing.T) {
	for kind, spoil := range map[string]func(int, map[string]any) verdict{
		lost: func(post int, _ map[string]any) verdict {
			return map[bool]verdict{true: unstored, false: send}[post == 50]
		},
		duplicate: func(post int, doc map[string]any) verdict {
			if post%50 == 0 {
				doc["number"] = 7
			}
			return send
		},
		doubleRequest: func(post int, _ map[string]any) verdict {
			return map[bool]verdict{true: secondCopy, false: send}[post == 50]
		},
		refusedRequest: func(post int, _ map[string]any) verdict {
			return map[bool]verdict{true: refuse, false: send}[post == 50]
		},
		changed: func(post int, doc map[string]any) verdict {
			if post == 50 {
				doc["lines"].([]any)[0].(map[string]any)["quantity"] = "1000"
			}
			return send
		},
		voidRun: func(int, map[string]any) verdict { return refuse },
	} {
		status, out := strike(t, &server{spoil: spoil})
		if status != 1 || !strings.Contains(out, "BROKEN  "+kind) {
			t.Errorf("%s: status %d\n%s", kind, status, out)
		}
	}
}

// A server that gives numbers of a strict series in disorder, or not all of them.
func TestAHoleOrADisorderInAStrictSeriesEndsWithStatusOne(t *testing.T) {
	if status, out := strike(t, &server{}, "--gapless"); status != 0 || !strings.Contains(out, "all promises held") {
		t.Fatalf("status %d\n%s", status, out)
	}
	for kind, spoil := range map[string]func(int, map[string]any) verdict{
		hole: func(post int, doc map[string]any) verdict {
			if post > 50 {
				doc["number"] = doc["number"].(int) + 1
			}
			return send
		},
		misordered: func(post int, doc map[string]any) verdict {
			doc["number"] = 1000 - doc["number"].(int)
			return send
		},
	} {
		status, out := strike(t, &server{spoil: spoil}, "--gapless")
		if status != 1 || !strings.Contains(out, "BROKEN  "+kind) {
			t.Errorf("%s: status %d\n%s", kind, status, out)
		}
		if status, out := strike(t, &server{spoil: spoil}); status != 0 {
			t.Errorf("%s is no breach of a block series: status %d\n%s", kind, status, out)
		}
	}
}

func TestASavedHistoryIsJudgedAgain(t *testing.T) {
	s := &server{}
	srv := httptest.NewServer(s)
	defer srv.Close()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	args := []string{"--urls", srv.URL, "--keys", "one", "--requests", "20"}
	var out bytes.Buffer
	if status := run(t.Context(), append(args, "--history", path), &out, &out); status != 0 {
		t.Fatalf("status %d\n%s", status, &out)
	}
	if status := run(t.Context(), append(args, "--verify-only", path), &out, &out); status != 0 {
		t.Fatalf("status %d\n%s", status, &out)
	}
	s.stored["one"] = s.stored["one"][1:]
	out.Reset()
	if status := run(t.Context(), append(args, "--verify-only", path, "--json"), &out, &out); status != 1 || !strings.Contains(out.String(), lost) {
		t.Fatalf("status %d\n%s", status, &out)
	}
}

func TestTheVerifierNoticesEveryPlantedFault(t *testing.T) {
	var out bytes.Buffer
	if status := selfTest(&out); status != 0 {
		t.Fatal(out.String())
	}
}

func TestBadUseEndsWithStatusTwo(t *testing.T) {
	for _, name := range []string{"FOLIO_URLS", "FOLIO_KEYS", "FOLIO_API_KEY"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	for _, args := range [][]string{{}, {"--urls", "http://127.0.0.1:1"}, {"--no-such-flag"}, {"--urls", "x", "--keys", "y", "--repeat-share", "2"}, {"--urls", "x", "--keys", "y", "--close-share", "-1"}} {
		var out bytes.Buffer
		if status := run(t.Context(), args, &out, &out); status != 2 || out.Len() == 0 {
			t.Errorf("%v: status %d, %s", args, status, &out)
		}
	}
}
