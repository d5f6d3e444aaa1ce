package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made builds an image of two small files and of this test's own binary.
func made(t *testing.T, more ...string) (out string, stderr string, status int) {
	t.Helper()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(text, filepath.Join(folder, "in", "link")); err != nil {
		t.Fatal(err)
	}
	out = filepath.Join(dir, "image.tar")
	args := append([]string{
		"--name", "localhost/folio:dev", "--out", out, "--sbom", filepath.Join(dir, "sbom.json"),
		"--entrypoint", "/folio", "--command", "serve", "--port", "8080", "--label", "org.opencontainers.image.title=a, b=c",
	}, more...)
	args = append(args, os.Args[0]+":/folio", text+":/etc/deep/text", folder+":/share")
	var told, said bytes.Buffer
	status = run(args, &told, &said)
	return out, said.String(), status
}

// unpack returns the files of a tar by name, and their headers.
func unpack(t *testing.T, text []byte) (map[string][]byte, map[string]*tar.Header) {
	t.Helper()
	files, heads := map[string][]byte{}, map[string]*tar.Header{}
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, heads
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		heads[h.Name] = h
	}
}

func parse[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestEveryPartOfAnImageIsFoundByItsDigest(t *testing.T) {
	out, said, status := made(t)
	if status != 0 {
		t.Fatal(said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := unpack(t, text)
	part := func(r refers) blob {
		t.Helper()
		b := blob(files["blobs/"+strings.Replace(r.Digest, ":", "/", 1)])
		if b.digest() != r.Digest || len(b) != r.Size {
			t.Fatalf("%s: found %d bytes of digest %s", r.Digest, len(b), b.digest())
		}
		return b
	}
	index := parse[struct{ Manifests []refers }](t, files["index.json"])
	if got := index.Manifests[0].Annotations["io.containerd.image.name"]; got != "localhost/folio:dev" {
		t.Errorf("the image is called %q", got)
	}
	manifest := parse[struct {
		Config refers
		Layers []refers
	}](t, part(index.Manifests[0]))
	config := parse[struct {
		Config struct {
			User            string
			Entrypoint, Cmd []string
			Labels          map[string]string
		}
		RootFS struct {
			IDs []string `json:"diff_ids"`
		}
	}](t, part(manifest.Config))
	if c := config.Config; c.User != "65532:65532" || c.Entrypoint[0] != "/folio" || c.Cmd[0] != "serve" || c.Labels["org.opencontainers.image.title"] != "a, b=c" {
		t.Errorf("it is run as %+v", c)
	}
	packed, err := gzip.NewReader(bytes.NewReader(part(manifest.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	if got := blob(plain).digest(); got != config.RootFS.IDs[0] {
		t.Errorf("the layer's digest is %s, the config says %s", got, config.RootFS.IDs[0])
	}
	inside, heads := unpack(t, plain)
	if string(inside["etc/deep/text"]) != "words" || string(inside["share/in/link"]) != "words" || heads["etc/deep/"] == nil || heads["etc/"] == nil {
		t.Errorf("the layer has %v", heads)
	}
	if heads["folio"].Mode != 0o555 || heads["etc/deep/text"].Mode != 0o444 || heads["folio"].Uid != 0 {
		t.Errorf("modes: folio %o, text %o", heads["folio"].Mode, heads["etc/deep/text"].Mode)
	}
}

func TestTheSameFilesGiveTheSameBytes(t *testing.T) {
	one, _, _ := made(t)
	two, _, _ := made(t)
	other, _, _ := made(t, "--user", "1:1")
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if !bytes.Equal(read(one), read(two)) {
		t.Error("two images of the same files differ")
	}
	if bytes.Equal(read(one), read(other)) {
		t.Error("an image for another user is the same")
	}
}

func TestTheBillOfMaterialsNamesEachModuleWithItsSum(t *testing.T) {
	out, said, status := made(t)
	if status != 0 {
		t.Fatal(said)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(out), "sbom.json"))
	if err != nil {
		t.Fatal(err)
	}
	bill := parse[struct {
		Format     string `json:"bomFormat"`
		Components []component
	}](t, text)
	found := map[string]component{}
	for _, c := range bill.Components {
		found[c.Name] = c
	}
	kong := found["github.com/alecthomas/kong"]
	if bill.Format != "CycloneDX" || found["std"].Version == "" || !strings.HasPrefix(kong.PURL, "pkg:golang/github.com/alecthomas/kong@v") || !strings.HasPrefix(kong.Properties[0].Value, "h1:") {
		t.Errorf("std %+v, kong %+v", found["std"], kong)
	}
}

func TestWhatCannotBePackedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a name without a host": {[]string{"--name", "folio:dev"}, "a name with a host"},
		"a name without a tag":  {[]string{"--name", "localhost/folio"}, "a name with a tag"},
		"too much":              {[]string{"--max-bytes", "1000"}, "may have 1000"},
		"a file of two sources": {[]string{os.Args[0] + ":/folio"}, "given twice"},
		"no place":              {[]string{os.Args[0]}, "want source:/path"},
		"no file":               {[]string{"/nowhere:/x"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			out, said, status := made(t, c.args...)
			if status == 0 || !strings.Contains(said, c.want) {
				t.Errorf("status %d, said %q, want %q", status, said, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("an image was written all the same")
			}
		})
	}
}
