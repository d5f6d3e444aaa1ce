package invoices

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// administration are the functions that work as the owner of the schema, whom no
// wall keeps out. What serves requests is not among them.
var administration = []string{
	"Open", "plan", "sets", "Ping", "checkSettings", "checkSchema", "inTx", // the connections themselves
	"RaiseEpoch", "Resume", "standing", "Announce", "mayName", "FenceAll", "ContinueStrict",
	"CreateTenant", "ChangeTenant", "ListTenants", "CreateSeries", "Put",
	"Create", "List of Keys", "Revoke",
}

// ownersWork lists the functions of the package in files that use the owner's
// connections: the field rest, or inTx.
func ownersWork(t *testing.T, files map[string]*ast.File) (found []string) {
	t.Helper()
	for _, file := range files {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "rest" || s.Sel.Name == "inTx") && isDB(s.X) {
					found = append(found, nameOf(f))
				}
				return true
			})
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isDB reports whether an expression is called as a DB is: db or x.DB.
func isDB(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "db"
	case *ast.SelectorExpr:
		return e.Sel.Name == "DB"
	}
	return false
}

// nameOf tells the two functions named List apart.
func nameOf(f *ast.FuncDecl) string {
	if f.Name.Name == "List" && f.Recv != nil {
		if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
			return "List of " + star.X.(*ast.Ident).Name
		}
	}
	return f.Name.Name
}

func TestOnlyAdministrationWorksAsTheOwner(t *testing.T) {
	t.Parallel()
	files := make(map[string]*ast.File)
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(set, name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range ownersWork(t, files) {
		if !slices.Contains(administration, name) {
			t.Errorf("%s works as the owner, whom no wall keeps out; take read, lookUps, settling or audits, or name it in owner_test.go", name)
		}
	}
	// The teeth.
	planted, err := parser.ParseFile(set, "planted.go", `package invoices; func (is *Issuer) Drafts() { is.DB.rest.Get(); db.inTx() }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := ownersWork(t, map[string]*ast.File{"planted.go": planted}); !slices.Equal(got, []string{"Drafts"}) {
		t.Errorf("planted work of the owner was found as %v", got)
	}
}

// With the owner's connections gone everything that serves requests, settles and
// audits goes on.
func TestServingNeedsNoOwner(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	_, _, text, err := db.CreateTenant(t.Context(), full("acme"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.rest.Close(); err != nil {
		t.Fatal(err)
	}
	keys := &Keys{DB: db}
	who, err := keys.Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, db, store)
	made := r.mustIssue(t, request(who, "one", "n")).Invoice
	draft := func() error {
		body := request(who, "", "n").Draft
		content, err := json.Marshal(body)
		if err != nil {
			return err
		}
		made, _, err := r.CreateDraft(t.Context(), DraftRequest{Identity: who, Draft: body, Content: content})
		if err == nil {
			made, err = r.ChangeDraft(t.Context(), who, made.ID, made.Version, body, content)
		}
		if err == nil {
			_, err = r.IssueDraft(t.Context(), who, made.ID)
		}
		return err
	}
	for what, do := range map[string]func() error{
		"draft":  draft,
		"drafts": func() error { _, err := r.ListDrafts(t.Context(), "acme", 1, ""); return err },
		"cancel": func() error {
			_, err := r.Cancel(t.Context(), CancelRequest{Identity: who, Invoice: made.ID})
			return err
		},
		"find":   func() error { _, err := (&SeriesBook{DB: db}).Find(t.Context(), "acme", "invoice"); return err },
		"read":   func() error { _, err := db.Invoice(t.Context(), "acme", made.ID); return err },
		"list":   func() error { _, err := db.List(t.Context(), "acme", Query{}); return err },
		"series": func() error { _, err := db.ListSeries(t.Context(), "acme"); return err },
		"tenant": func() error { _, err := db.Tenant(t.Context(), "acme"); return err },
		"uses":   func() error { return keys.storeUses(t.Context()) },
		"enroll": func() error { _, err := (&Owner{DB: db}).Enroll(t.Context(), "h"); return err },
		"repeat": func() error { _, err := r.Issue(t.Context(), request(who, "one", "n")); return err },
		"void": func() error {
			return (&Owner{DB: db}).Void(t.Context(), r.numbers.Holder(), series2026(who), []counter.Range{{First: 90, Last: 91}}, "test")
		},
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.stop()
	audited(t, &Audit{DB: db, Ledgers: store})
	if _, err := AccountOf(t.Context(), db, store, series2026(who)); err != nil {
		t.Error(err)
	}
}
