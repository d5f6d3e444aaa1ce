package document

import (
	"slices"
	"strconv"
)

// pointer is a JSON pointer (RFC 6901) that is spelled out only when something is wrong
// where it points: most drafts are good, and each has dozens of places.
type pointer struct {
	up    *pointer // nil: from the root
	name  string   // with its slash; "": an index
	index int
}

// root points to a field of the whole.
func root(name string) pointer { return pointer{name: name} }

// to points to a field of what p points to.
func (p *pointer) to(name string) pointer { return pointer{up: p, name: name} }

// nth points to an element of what p points to.
func (p *pointer) nth(i int) pointer { return pointer{up: p, index: i} }

// String spells p out. It keeps no part of p, so that pointers cost no memory until then.
func (p pointer) String() string {
	var text []byte
	for at := &p; at != nil; at = at.up {
		part := at.name
		if part == "" {
			part = "/" + strconv.Itoa(at.index)
		}
		text = slices.Insert(text, 0, []byte(part)...)
	}
	return string(text)
}
