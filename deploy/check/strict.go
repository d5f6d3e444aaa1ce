package check

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
)

// ErrNoSchema: a kind is neither built in nor are there schemas of it.
var ErrNoSchema = errors.New("no schema of this kind; add it to crds/main.go")

//go:embed schemas
var schemas embed.FS

// Strict holds an object against the type or the schema of its kind. A field that the
// kind does not have is refused, as kubectl's strict validation does.
func Strict(o Object) error {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	if group == o.APIVersion || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && group != "gateway.networking.k8s.io" {
		return builtIn(o)
	}
	return custom(o)
}

// builtIn decodes into the Go type that the API server has of the kind.
func builtIn(o Object) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, policyv1.AddToScheme,
		autoscalingv2.AddToScheme, networkingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	s := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{Yaml: true, Strict: true})
	_, _, err := s.Decode(o.Text, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return fmt.Errorf("%s: %s: %w", o, o.APIVersion, ErrNoSchema)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// custom validates against the vendored schema of the kind.
func custom(o Object) error {
	name := strings.ReplaceAll(o.APIVersion, "/", "_") + "_" + o.Kind + ".json"
	text, err := schemas.ReadFile("schemas/" + name)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", o, o.APIVersion, ErrNoSchema)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("schema %s: %w", name, err)
	}
	closed(schema)
	at(schema, "properties").(map[string]any)["metadata"] = map[string]any{"type": "object"}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, schema); err != nil {
		return fmt.Errorf("schema %s: %w", name, err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return fmt.Errorf("schema %s: %w", name, err)
	}
	plain, err := json.Marshal(o.Fields)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		return err
	}
	if err := compiled.Validate(value); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// closed makes what a structural schema means explicit: an object has the fields it
// names and no others, unless it says that it keeps unknown ones. Within anyOf and the
// like fields are named only to narrow them. Go's JSON schema knows null as a type.
func closed(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	fields, named := s["properties"].(map[string]any)
	_, more := s["additionalProperties"]
	if keep, _ := s["x-kubernetes-preserve-unknown-fields"].(bool); named && !more && !keep {
		s["additionalProperties"] = false
	}
	if null, _ := s["nullable"].(bool); null && s["type"] != nil {
		s["type"] = []any{s["type"], "null"}
	}
	for _, f := range fields {
		closed(f)
	}
	closed(s["items"])
	closed(s["additionalProperties"])
}
