package process

import (
	"context"
	"fmt"
	"net/http"
)

// AnswersOK asks a process for a page and returns nil if it answers 200.
func AnswersOK(ctx context.Context, url string) error {
	return AnswersOKOver(ctx, &http.Transport{DisableKeepAlives: true}, url)
}

// AnswersOKOver is AnswersOK by a given way, such as with a certificate.
func AnswersOKOver(ctx context.Context, way http.RoundTripper, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: way}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return nil
}
