package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is one file of the image.
type file struct {
	source string // where it came from; empty if it was made
	path   string // without the first slash
	mode   int64
	text   []byte
}

// gather reads the files that are named as source:/path, and those below a source that
// is a folder. What a link points to is packed in its place.
func gather(named []string) ([]file, error) {
	var all []file
	for _, name := range named {
		source, to, ok := strings.Cut(name, ":")
		if !ok || !strings.HasPrefix(to, "/") || path.Clean(to) == "/" {
			return nil, fmt.Errorf("%q: want source:/path", name)
		}
		if err := below(source, path.Clean(to)[1:], &all); err != nil {
			return nil, fmt.Errorf("read what is packed: %w", err)
		}
	}
	return all, nil
}

// below reads one file, or all files in a folder.
func below(source, to string, all *[]file) error {
	about, err := os.Stat(source)
	if err != nil {
		return err
	}
	if about.IsDir() {
		in, err := os.ReadDir(source)
		for _, one := range in {
			err = errors.Join(err, below(filepath.Join(source, one.Name()), path.Join(to, one.Name()), all))
		}
		return err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	mode := int64(0o444) // what a umask added or took away does not matter
	if about.Mode()&0o100 != 0 {
		mode = 0o555
	}
	*all = append(*all, file{source: source, path: to, mode: mode, text: text})
	return nil
}

// blob is a part of the image that goes by its digest.
type blob []byte

func (b blob) digest() string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func (b blob) path() string { return "blobs/sha256/" + strings.TrimPrefix(b.digest(), "sha256:") }

// media is the beginning of the names of the OCI image specification.
const media = "application/vnd.oci.image."

// refers is how one part of an image names another.
type refers struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    map[string]string `json:"platform,omitempty"`
}

func refer(kind string, b blob) refers {
	return refers{MediaType: media + kind, Digest: b.digest(), Size: len(b)}
}

// packed is an image, ready to be written.
type packed struct {
	layer, config, manifest blob
	index, docker           []byte
}

// pack makes an image of one layer. Its parts are those of the OCI image
// specification 1.1, and docker's manifest.json beside them for docker load.
func pack(f flags, files []file) (*packed, error) {
	plain, err := layer(files, f.Created)
	if err != nil {
		return nil, err
	}
	var p packed
	if p.layer, err = compress(plain); err != nil {
		return nil, err
	}
	if p.config, err = config(f, blob(plain).digest()); err != nil {
		return nil, err
	}
	p.manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": media + "manifest.v1+json", "annotations": f.Label,
		"config": refer("config.v1+json", p.config),
		"layers": []refers{refer("layer.v1.tar+gzip", p.layer)},
	})
	if err != nil {
		return nil, err
	}
	whole := refer("manifest.v1+json", p.manifest)
	whole.Annotations = map[string]string{"io.containerd.image.name": f.Name, "org.opencontainers.image.ref.name": f.Name[strings.LastIndex(f.Name, ":")+1:]}
	whole.Platform = map[string]string{"architecture": f.Arch, "os": "linux"}
	if p.index, err = json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": media + "index.v1+json", "manifests": []refers{whole}}); err != nil {
		return nil, err
	}
	p.docker, err = json.Marshal([]any{map[string]any{"Config": p.config.path(), "RepoTags": []string{f.Name}, "Layers": []string{p.layer.path()}}})
	return &p, err
}

// config is what the image says of itself and of how it is run.
func config(f flags, layer string) (blob, error) {
	ports := map[string]struct{}{}
	for _, port := range f.Port {
		ports[fmt.Sprintf("%d/tcp", port)] = struct{}{}
	}
	created := f.Created.UTC().Format(time.RFC3339)
	return json.Marshal(map[string]any{
		"created": created, "architecture": f.Arch, "os": "linux",
		"config": map[string]any{
			"User": f.User, "StopSignal": f.StopSignal, "WorkingDir": "/", "Entrypoint": f.Entrypoint, "Cmd": f.Command, "ExposedPorts": ports, "Labels": f.Label,
			"Env": []string{"PATH=" + f.Path},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{layer}},
		"history": []any{map[string]any{"created": created, "created_by": "folio's internal/image"}},
	})
}

// layer is a tar of the files, and of the folders they are in, in the order of
// their names; all of them root's, and as old as the image.
func layer(files []file, at time.Time) ([]byte, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	files = slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.path, b.path) })
	made := map[string]bool{".": true}
	for i, f := range files {
		if i > 0 && files[i-1].path == f.path {
			return nil, fmt.Errorf("/%s is given twice", f.path)
		}
		for _, dir := range folders(f.path) {
			if made[dir] {
				continue
			}
			made[dir] = true
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: at}); err != nil {
				return nil, err
			}
		}
		if err := put(w, f, at); err != nil {
			return nil, err
		}
	}
	err := w.Close() // it writes the end
	return text.Bytes(), err
}

// folders are those that a path lies in, the outermost first.
func folders(of string) []string {
	var all []string
	for dir := path.Dir(of); dir != "."; dir = path.Dir(dir) {
		all = append(all, dir)
	}
	slices.Reverse(all)
	return all
}

func put(w *tar.Writer, f file, at time.Time) error {
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.text)), ModTime: at})
	if err != nil {
		return err
	}
	_, err = w.Write(f.text)
	return err
}

func compress(text []byte) (blob, error) {
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close() // it writes the rest
	return small.Bytes(), err
}

// named refuses a short name: a container runtime adds to it the host that it knows
// best, and would then not find the image.
func named(name string) error {
	host, rest, _ := strings.Cut(name, "/")
	if rest == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return fmt.Errorf("%q: want a name with a host and a tag, such as localhost/folio:dev", name)
	}
	if base := rest[strings.LastIndex(rest, "/")+1:]; strings.Index(base, ":") < 1 || strings.HasSuffix(base, ":") {
		return fmt.Errorf("%q: want a name with a tag, such as localhost/folio:dev", name)
	}
	return nil
}

// write writes the image to a tar, whole or not at all.
func (p *packed) write(to string) error {
	files := []file{
		{path: p.config.path(), text: p.config}, {path: p.layer.path(), text: p.layer}, {path: p.manifest.path(), text: p.manifest},
		{path: "index.json", text: p.index}, {path: "manifest.json", text: p.docker},
		{path: "oci-layout", text: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
	}
	for i := range files {
		files[i].mode = 0o644
	}
	text, err := layer(files, time.Unix(0, 0))
	if err == nil {
		err = os.WriteFile(to+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(to+".new", to)
	}
	if err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}
