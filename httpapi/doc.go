// Package httpapi is the HTTP edge of folio: routes, authentication, strict
// decoding, and errors as problems after RFC 9457. openapi.yaml is its contract;
// package httpapi/client is generated from it.
//
// [New] gives the handler of the public API, [NewOps] that of the listener for
// operators, which is never public; [NewServer] makes a server with bounds.
package httpapi

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.yaml
var contract []byte

// serveContract answers with openapi.yaml.
func serveContract(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(contract) // a client that left needs no answer
}
