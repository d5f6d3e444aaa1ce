package main

import (
	"fmt"
	"strings"
	"time"

	"folio/invoices"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make an API key of a tenant, which is shown once."`
	List   keyListCmd   `cmd:"" help:"List the API keys of a tenant."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke an API key; every replica refuses it within a second."`
}

// newKey is a key at the only time when its text is known.
type newKey struct {
	Tenant string `json:"tenant"`
	KeyID  string `json:"key_id"`
	APIKey string `json:"api_key"`
}

type keyCreateCmd struct {
	database
	Tenant string           `arg:"" help:"The tenant."`
	Scope  []invoices.Scope `help:"What it may do: invoices:write, invoices:read, series:write; all if not given." env:"FOLIO_SCOPE"`
	Test   bool             `help:"Mark it as a key for tests; it does what a live one does." env:"FOLIO_TEST_KEY"`
	JSON   bool             `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run makes the key.
func (c *keyCreateCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		key, text, err := (&invoices.Keys{DB: db}).Create(cmd.ctx, c.Tenant, invoices.NewKey{Test: c.Test, Scopes: c.Scope})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(cmd, newKey{Tenant: c.Tenant, KeyID: key.ID, APIKey: text})
		}
		fmt.Fprintf(cmd.stdout, "key id   %s\nAPI key  %s   (shown only now)\n", key.ID, text)
		return nil
	})
}

type keyListCmd struct {
	database
	Tenant string `arg:"" help:"The tenant."`
	JSON   bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run lists the keys.
func (c *keyListCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		keys, err := (&invoices.Keys{DB: db}).List(cmd.ctx, c.Tenant)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(cmd, keys)
		}
		for _, k := range keys {
			fmt.Fprintf(cmd.stdout, "%s   %s   %-42s   since %s   %s   %s\n",
				k.ID, k.Mode, scopes(k), k.CreatedAt.Format(time.DateTime), lastUse(k), keyState(k))
		}
		return nil
	})
}

func scopes(k invoices.APIKey) string {
	var words []string
	for _, s := range k.Scopes {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

func lastUse(k invoices.APIKey) string {
	if k.LastUsedAt == nil {
		return "never used"
	}
	return "used " + k.LastUsedAt.Format(time.DateTime)
}

func keyState(k invoices.APIKey) string {
	if k.RevokedAt != nil {
		return "revoked " + k.RevokedAt.Format(time.DateTime)
	}
	return "valid"
}

type keyRevokeCmd struct {
	database
	KeyID string `arg:"" help:"The key's id, key_…: not the key itself."`
	JSON  bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run revokes the key.
func (c *keyRevokeCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		key, err := (&invoices.Keys{DB: db}).Revoke(cmd.ctx, c.KeyID)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(cmd, key)
		}
		fmt.Fprintf(cmd.stdout, "%s of %s is revoked\n", key.ID, key.Tenant)
		return nil
	})
}
