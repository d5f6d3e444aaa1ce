package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
)

// component is one part of a bill of materials, in the words of CycloneDX 1.6.
type component struct {
	Type       string     `json:"type"`
	BOMRef     string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// sbom is the bill of materials of a Go binary, as CycloneDX 1.6 JSON, from what the
// linker wrote into it: Go itself, and each module with the sum that go.sum has of it.
// It names no time and no random number, so that the same binary gives the same text.
func sbom(binary string) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read what %s is built from: %w", binary, err)
	}
	parts := []component{{
		Type: "library", BOMRef: "pkg:golang/std", Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go"),
		PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		parts = append(parts, library(m))
	}
	slices.SortFunc(parts, func(a, b component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	main := component{Type: "application", BOMRef: info.Path, Name: info.Path}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			main.Properties = append(main.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	return json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":   map[string]any{"component": main},
		"components": parts,
	}, "", " ")
}

func library(m *debug.Module) component {
	for m.Replace != nil {
		m = m.Replace
	}
	url := "pkg:golang/" + m.Path + "@" + m.Version
	return component{Type: "library", BOMRef: url, Name: m.Path, Version: m.Version, PURL: url, Properties: []property{{"go:sum", m.Sum}}}
}
