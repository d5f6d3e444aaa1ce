// Package client is the Go client of folio's API, generated from openapi.yaml.
// Begin with [NewClientWithResponses], and [WithRequestEditorFn] to set the
// Authorization header.
package client

//go:generate go tool -modfile=../../tools.mod oapi-codegen -config config.yaml -o client.gen.go ../openapi.yaml
