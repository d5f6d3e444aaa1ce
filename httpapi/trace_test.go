package httpapi

import (
	"net/http/httptest"
	"testing"
)

func TestWithoutATracerARequestCostsNoSpan(t *testing.T) {
	a, r := &api{}, httptest.NewRequest("POST", "/v1/invoices", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	allocated := testing.AllocsPerRun(100, func() {
		ctx, span := a.traced(r.Context(), r, "/v1/invoices", "id")
		if ctx != r.Context() || span != nil {
			t.Error("there is a span")
		}
		endTrace(span, 201)
	})
	if allocated != 0 {
		t.Errorf("it allocates %v times", allocated)
	}
}
