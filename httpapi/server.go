package httpapi

import (
	"net/http"
	"time"
)

// maxHeader bounds the header of a request.
const maxHeader = 16 << 10

// NewServer makes a server in which a slow or silent client holds nothing for
// long. Handlers bound their own work; see Config.RequestTimeout.
func NewServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      45 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    maxHeader,
	}
}
