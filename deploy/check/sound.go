package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// pod returns the template of the pods that an object makes, if it makes any.
func pod(o Object) (*corev1.PodTemplateSpec, error) {
	var found any
	switch o.Kind {
	case "Deployment", "StatefulSet", "Job":
		found = at(o.Fields, "spec", "template")
	case "CronJob":
		found = at(o.Fields, "spec", "jobTemplate", "spec", "template")
	default:
		return nil, nil
	}
	text, err := yaml.Marshal(found)
	if err != nil {
		return nil, err
	}
	var t corev1.PodTemplateSpec
	return &t, yaml.Unmarshal(text, &t)
}

// Sound finds what each object's kind does not show: pods that the restricted profile of
// pod security refuses or that bear a token, variables that are used before they are set, selectors that match no pod, names of
// Secrets and the like that nobody makes (outside are those that somebody else does),
// a grace period that ends before folio has drained, a secret that folio reads only once, and a
// collector of traces that no policy lets folio reach.
func Sound(all []Object, outside ...string) error {
	var errs []error
	var pods []*corev1.PodTemplateSpec
	for _, o := range all {
		t, err := pod(o)
		if err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
		if t == nil {
			continue
		}
		pods = append(pods, t)
		errs = append(errs, restricted(o, t), drains(o, t, all), expands(o, t), rotates(o, t), traced(o, t, all))
		if auto := t.Spec.AutomountServiceAccountToken; auto == nil || *auto {
			errs = append(errs, fmt.Errorf("%s: its pods bear a token for the API server; nothing here needs one", o))
		}
		for _, name := range named(t) {
			if !slices.Contains(outside, name) && !slices.ContainsFunc(all, func(o Object) bool { return o.Kind+"/"+o.Name == name }) {
				errs = append(errs, fmt.Errorf("%s: nobody makes %s", o, name))
			}
		}
	}
	for _, o := range all {
		errs = append(errs, selects(o, pods))
	}
	return errors.Join(errs...)
}

// restricted holds pods against the strictest of the Pod Security Standards, as the
// admission controller of the API server does.
func restricted(o Object, t *corev1.PodTemplateSpec) error {
	judge, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if r := policy.AggregateCheckResults(judge.EvaluatePod(level, &t.ObjectMeta, &t.Spec)); !r.Allowed {
		return fmt.Errorf("%s: the restricted profile refuses it: %s", o, r.ForbiddenDetail())
	}
	return nil
}

// afterwards is what folio may need once requests have ended, for what they wrote and to
// hand back what it holds; see deploy/k8s/README.md.
const afterwards = 20 * time.Second

// drains compares the grace period of folio's pods with what ends in it.
func drains(o Object, t *corev1.PodTemplateSpec, all []Object) error {
	if o.Kind != "Deployment" || o.Name != "folio" {
		return nil
	}
	c := t.Spec.Containers[0]
	if t.Spec.TerminationGracePeriodSeconds == nil || c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
		return fmt.Errorf("%s: it has no grace period, or no preStop sleep", o)
	}
	need := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second + afterwards
	for _, from := range c.EnvFrom {
		for _, m := range all {
			if from.ConfigMapRef == nil || m.Kind != "ConfigMap" || m.Name != from.ConfigMapRef.Name {
				continue
			}
			for _, setting := range []string{"FOLIO_DRAIN_DELAY", "FOLIO_SHUTDOWN_TIMEOUT"} {
				text, _ := at(m.Fields, "data", setting).(string)
				d, err := time.ParseDuration(text)
				if err != nil {
					return fmt.Errorf("%s: %s of %s: %w", o, setting, m, err)
				}
				need += d
			}
		}
	}
	if have := time.Duration(*t.Spec.TerminationGracePeriodSeconds) * time.Second; have < need {
		return fmt.Errorf("%s: the grace period is %s, draining may take %s", o, have, need)
	}
	return nil
}

// rotates finds secrets of folio's pods that stay those of the start, although folio reads
// its files for each new connection: in variables, and in mounts of one file of a volume.
func rotates(o Object, t *corev1.PodTemplateSpec) error {
	if o.Kind != "Deployment" || o.Name != "folio" {
		return nil
	}
	var errs []error
	for _, c := range append(slices.Clone(t.Spec.InitContainers), t.Spec.Containers...) {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				errs = append(errs, fmt.Errorf("%s: %s of container %s stays that of the start; mount the Secret and name the file", o, e.Name, c.Name))
			}
		}
		for _, m := range c.VolumeMounts {
			if m.SubPath != "" || m.SubPathExpr != "" {
				errs = append(errs, fmt.Errorf("%s: %s of container %s stays that of the start; mount it without a subPath", o, m.MountPath, c.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// used finds $(NAME) in arguments and values.
var used = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// expands finds variables that Kubernetes does not put in: in a value only those work
// that stand before it, and a patch may change their order.
func expands(o Object, t *corev1.PodTemplateSpec) error {
	var errs []error
	for _, c := range append(slices.Clone(t.Spec.InitContainers), t.Spec.Containers...) {
		set := map[string]bool{}
		find := func(in, text string) {
			for _, m := range used.FindAllStringSubmatch(text, -1) {
				if !set[m[1]] {
					errs = append(errs, fmt.Errorf("%s: %s of container %s uses %s, which is not set before it", o, in, c.Name, m[0]))
				}
			}
		}
		for _, e := range c.Env {
			find(e.Name, e.Value)
			set[e.Name] = true
		}
		for _, arg := range append(slices.Clone(c.Command), c.Args...) {
			find("an argument", arg)
		}
	}
	return errors.Join(errs...)
}

// named are the objects that pods name, as Kind/name.
func named(t *corev1.PodTemplateSpec) []string {
	all := []string{"ServiceAccount/" + t.Spec.ServiceAccountName}
	for _, v := range t.Spec.Volumes {
		switch {
		case v.Secret != nil:
			all = append(all, "Secret/"+v.Secret.SecretName)
		case v.ConfigMap != nil:
			all = append(all, "ConfigMap/"+v.ConfigMap.Name)
		case v.PersistentVolumeClaim != nil:
			all = append(all, "PersistentVolumeClaim/"+v.PersistentVolumeClaim.ClaimName)
		}
	}
	for _, c := range append(slices.Clone(t.Spec.InitContainers), t.Spec.Containers...) {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				all = append(all, "ConfigMap/"+from.ConfigMapRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				all = append(all, "Secret/"+e.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	return all
}

// selects finds selectors of Services, budgets and policies that match no pod.
func selects(o Object, pods []*corev1.PodTemplateSpec) error {
	var s metav1.LabelSelector
	var found any
	switch o.Kind {
	case "Service":
		found = map[string]any{"matchLabels": at(o.Fields, "spec", "selector")}
	case "PodDisruptionBudget":
		found = at(o.Fields, "spec", "selector")
	case "NetworkPolicy":
		found = at(o.Fields, "spec", "podSelector")
	default:
		return nil
	}
	text, err := yaml.Marshal(found)
	if err == nil {
		err = yaml.Unmarshal(text, &s)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	selector, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	if !slices.ContainsFunc(pods, func(t *corev1.PodTemplateSpec) bool { return selector.Matches(labels.Set(t.Labels)) }) {
		return fmt.Errorf("%s: its selector %s matches no pod", o, selector)
	}
	return nil
}
