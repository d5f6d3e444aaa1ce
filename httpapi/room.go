package httpapi

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// largeBody is the declared length above which a body is a large one.
const largeBody = 64 << 10

// bodies bounds what the bodies of all requests under way take of this replica's memory.
// Large ones have a room of their own: however many there are, a small one finds room.
type bodies struct{ large, small room }

// share gives large bodies two thirds of most, and small ones the rest.
func (b *bodies) share(most int64) {
	b.small.most = most / 3
	b.large.most = most - b.small.most
}

// of is the room for the body of r.
func (b *bodies) of(r *http.Request) *room {
	if r.ContentLength < 0 || r.ContentLength > largeBody {
		return &b.large
	}
	return &b.small
}

// held is how many bytes of bodies there are.
func (b *bodies) held() int64 { return b.large.held.Load() + b.small.held.Load() }

// room is a number of bytes that many bodies share.
type room struct {
	most int64
	held atomic.Int64
}

// take reports whether there is room for n bytes more, and then has them.
func (r *room) take(n int64) bool {
	if r.held.Add(n) > r.most {
		r.held.Add(-n)
		return false
	}
	return true
}

// kept is a body that takes room as it arrives: what a client only announces takes none.
// The room is kept until giveBack, since what was read from the body lives as long as
// its request does.
type kept struct {
	io.ReadCloser
	room *room
	n    int64
}

// Read fails with errBusy if there is no room for what has come.
func (k *kept) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	if n == 0 {
		return 0, err
	}
	if !k.room.take(int64(n)) {
		return 0, errBusy
	}
	k.n += int64(n)
	return n, err
}

func (k *kept) giveBack() {
	if k.n > 0 {
		k.room.held.Add(-k.n)
	}
}

// refuseBusy reports whether err is that there is no room. Then nobody waits for the rest
// of the body, and the connection is of no use after the answer.
func refuseBusy(w http.ResponseWriter, err error) bool {
	if !errors.Is(err, errBusy) {
		return false
	}
	w.Header().Set("Connection", "close")
	return true
}
