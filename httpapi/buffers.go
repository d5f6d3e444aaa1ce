package httpapi

import (
	"bytes"
	"sync"
)

// buffers are used by one request after another: for its body while that is read, and
// for its answer while that is written. Nothing may keep a part of a buffer that was put
// back. nil keeps none.
type buffers struct{ pool sync.Pool }

// bufferKept is the largest buffer that is kept: a few large requests must not leave
// their memory behind.
const bufferKept = 64 << 10

// get returns an empty buffer.
func (b *buffers) get() *bytes.Buffer {
	if b != nil {
		if kept, ok := b.pool.Get().(*bytes.Buffer); ok {
			return kept
		}
	}
	return new(bytes.Buffer)
}

func (b *buffers) put(used *bytes.Buffer) {
	if b == nil || used.Cap() > bufferKept {
		return
	}
	used.Reset()
	b.pool.Put(used)
}
