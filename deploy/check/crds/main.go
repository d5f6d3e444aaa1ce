// Command crds makes the files of ../schemas anew: of each kind that the manifests use
// and Kubernetes does not have built in, the schema that its makers publish with their
// Go module, without the descriptions.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// sources say where each schema comes from: a module of the Go proxy, and the path of
// the custom resource definition in it. All of them are under the Apache License 2.0.
var sources = []struct{ module, path, version string }{
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "v1"},
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml", "v1"},
	{"sigs.k8s.io/gateway-api@v1.4.0", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml", "v1"},
	{"github.com/cert-manager/cert-manager@v1.18.2", "deploy/crds/crd-certificates.yaml", "v1"},
	{"github.com/cert-manager/cert-manager@v1.18.2", "deploy/crds/crd-issuers.yaml", "v1"},
}

func main() {
	for _, s := range sources {
		if err := vendor(s.module, s.path, s.version); err != nil {
			fmt.Fprintf(os.Stderr, "crds: %s of %s: %v\n", s.path, s.module, err)
			os.Exit(1)
		}
	}
}

func vendor(module, path, version string) error {
	text, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return err
	}
	var at struct{ Dir string }
	if err := json.Unmarshal(text, &at); err != nil {
		return err
	}
	if text, err = os.ReadFile(filepath.Join(at.Dir, path)); err != nil {
		return err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		if v.Name != version {
			continue
		}
		v.Schema.OpenAPIV3Schema["$comment"] = fmt.Sprintf("%s of %s, without descriptions", path, module)
		silence(v.Schema.OpenAPIV3Schema, false)
		small, err := json.MarshalIndent(v.Schema.OpenAPIV3Schema, "", " ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join("schemas", crd.Spec.Group+"_"+version+"_"+crd.Spec.Names.Kind+".json"), append(small, '\n'), 0o644)
	}
	return fmt.Errorf("it has no version %s", version)
}

// silence takes the descriptions out. Below properties, a description is a field.
func silence(v any, properties bool) {
	switch v := v.(type) {
	case map[string]any:
		if !properties {
			delete(v, "description")
			delete(v, "x-kubernetes-validations") // rules in CEL, which the API server checks
		}
		for key, below := range v {
			silence(below, key == "properties" && !properties)
		}
	case []any:
		for _, below := range v {
			silence(below, false)
		}
	}
}
