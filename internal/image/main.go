// Command image packs static binaries into a container image, without a container
// engine: a tar that docker load, podman load, ctr images import and skopeo read. The
// same files and flags give the same bytes, and so the same digest, on any machine.
// scripts/image says what is packed for folio.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"folio/internal/cli"
)

// flags are the command line.
type flags struct {
	Name       string            `help:"Name of the image, such as localhost/folio:dev." required:""`
	Out        string            `help:"The tar to write." required:""`
	Arch       string            `help:"The binaries' architecture, as Go names it." default:"amd64"`
	Created    time.Time         `help:"What stands in the image as its time." default:"1970-01-01T00:00:00Z"`
	User       string            `help:"Who runs it: uid:gid." default:"65532:65532"`
	Entrypoint []string          `help:"What is run."`
	Command    []string          `help:"Its arguments, if no others are given."`
	Path       string            `help:"Where it looks for programs." default:"/usr/bin:/bin:/"`
	StopSignal string            `help:"What asks it to end." default:"SIGTERM"`
	Port       []int             `help:"TCP ports it listens on."`
	Label      map[string]string `help:"Labels and annotations, name=value." mapsep:"none"`
	SBOM       string            `name:"sbom" help:"Pack, and write to this file, what the first binary was built from, as CycloneDX JSON."`
	MaxBytes   int64             `help:"Refuse an image whose files have more bytes; 0: any." default:"0"`
	Files      []string          `arg:"" help:"What is packed, source:/path; each with its permissions."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var f flags
	c := cli.Command{Name: "image", Description: "Packs static binaries into a container image.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&f, args); done {
		return status
	}
	digest, bytes, err := build(f)
	if err == nil {
		fmt.Fprintf(stdout, "%s@%s %d bytes of files\n", f.Name, digest, bytes)
	}
	return c.Status(err)
}

// build writes the image and returns its digest and what its files measure.
func build(f flags) (digest string, bytes int64, err error) {
	if err := named(f.Name); err != nil {
		return "", 0, err
	}
	files, err := gather(f.Files)
	if err != nil {
		return "", 0, err
	}
	if f.SBOM != "" {
		text, err := sbom(files[0].source)
		if err != nil {
			return "", 0, err
		}
		if err := os.WriteFile(f.SBOM, text, 0o644); err != nil {
			return "", 0, fmt.Errorf("write what it is built from: %w", err)
		}
		files = append(files, file{path: "sbom.cdx.json", mode: 0o444, text: text})
	}
	for _, one := range files {
		bytes += int64(len(one.text))
	}
	if f.MaxBytes > 0 && bytes > f.MaxBytes {
		return "", bytes, fmt.Errorf("%s would have %d bytes of files, and may have %d", f.Name, bytes, f.MaxBytes)
	}
	image, err := pack(f, files)
	if err != nil {
		return "", bytes, fmt.Errorf("pack %s: %w", f.Name, err)
	}
	return image.manifest.digest(), bytes, image.write(f.Out)
}
