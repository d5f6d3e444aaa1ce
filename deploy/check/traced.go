package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// collector is the variable that tells replicas where traces go.
const collector = "OTEL_EXPORTER_OTLP_ENDPOINT"

// traced finds a collector that pods are told of and that folio's policy keeps them from:
// spans would be lost, and nothing else would show it.
func traced(o Object, t *corev1.PodTemplateSpec, all []Object) error {
	for _, c := range t.Spec.Containers {
		for _, e := range c.Env {
			if e.Name != collector {
				continue
			}
			at, err := url.Parse(e.Value)
			if err != nil || at.Port() == "" || strings.Count(at.Hostname(), ".") == 0 {
				return fmt.Errorf("%s: %s is %q, want http://service.namespace:port", o, collector, e.Value)
			}
			namespace := strings.Split(at.Hostname(), ".")[1]
			open, err := lets(all, namespace, at.Port())
			if err != nil {
				return err
			}
			if !open {
				return fmt.Errorf("%s: %s is %s, which the NetworkPolicy folio does not let it reach", o, collector, e.Value)
			}
		}
	}
	return nil
}

// lets reports whether folio's policy lets its pods reach a port in a namespace.
func lets(all []Object, namespace, port string) (bool, error) {
	i := slices.IndexFunc(all, func(o Object) bool { return o.Kind == "NetworkPolicy" && o.Name == "folio" })
	if i < 0 {
		return false, nil
	}
	var p networkingv1.NetworkPolicy
	if err := yaml.Unmarshal(all[i].Text, &p); err != nil {
		return false, fmt.Errorf("%s: %w", all[i], err)
	}
	return slices.ContainsFunc(p.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
		return slices.ContainsFunc(rule.To, func(to networkingv1.NetworkPolicyPeer) bool {
			return to.NamespaceSelector != nil && to.NamespaceSelector.MatchLabels[corev1.LabelMetadataName] == namespace
		}) && slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.String() == port })
	}), nil
}
