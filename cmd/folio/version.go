package main

import (
	"fmt"
	"runtime/debug"
)

// version is set by the linker in a release build.
var version string

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(cmd command) error {
	_, err := fmt.Fprintln(cmd.stdout, "folio", buildVersion())
	return err
}

// buildVersion is the release, or the commit that was built.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "dev"
}
