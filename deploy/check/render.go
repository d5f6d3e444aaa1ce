// Package check holds the manifests of deploy/ against what reads them: kustomize, the
// types of Kubernetes, the schemas of other kinds, kube-score, and Prometheus. It is a
// module of its own, so that folio itself does not depend on any of it.
//
// make check-deploy runs it. Each check is itself tested with what it must refuse.
package check

//go:generate go run ./crds

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Object is one object of a rendered folder.
type Object struct {
	APIVersion, Kind, Name string
	Text                   []byte         // YAML
	Fields                 map[string]any // the same, parsed
}

// String names the object for people.
func (o Object) String() string { return o.Kind + " " + o.Name }

// Render does what kubectl kustomize does.
func Render(dir string) ([]Object, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", dir, err)
	}
	var all []Object
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("kustomize %s: %w", dir, err)
		}
		o, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("kustomize %s: %w", dir, err)
		}
		all = append(all, o)
	}
	return all, nil
}

// parse reads one object.
func parse(text []byte) (Object, error) {
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
	}
	o := Object{Text: text}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return o, err
	}
	o.APIVersion, o.Kind, o.Name = head.APIVersion, head.Kind, head.Metadata.Name
	return o, yaml.Unmarshal(text, &o.Fields)
}

// at goes down through maps and lists to the value at a path; nil if there is none.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}
