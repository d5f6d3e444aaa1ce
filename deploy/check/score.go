package check

import (
	"bytes"
	"fmt"
	"os/exec"
)

// Score has kube-score look at the objects that it knows. Each of its critical remarks
// is an error, but for two. Limits of CPU: folio and etcd have none, for throttling would
// delay their signs of life. Images pulled at each start: their tags never move, and a
// start must not depend on a registry. What cannot do as kube-score asks says so in an
// annotation, beside which the reason stands.
func Score(all []Object) error {
	var text bytes.Buffer
	for _, o := range all {
		text.WriteString("---\n")
		text.Write(o.Text)
	}
	cmd := exec.Command("go", "tool", "-modfile=score.mod", "kube-score", "score", "--output-format", "ci",
		"--kubernetes-version", "v1.34", "--ignore-container-cpu-limit", "--ignore-test", "container-image-pull-policy", "-")
	cmd.Stdin = &text
	var said, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complaint
	if err := cmd.Run(); err != nil {
		var bad []byte
		for line := range bytes.Lines(said.Bytes()) {
			if bytes.HasPrefix(line, []byte("[CRITICAL]")) {
				bad = append(bad, line...)
			}
		}
		return fmt.Errorf("kube-score: %w\n%s%s", err, bad, complaint.Bytes())
	}
	return nil
}
