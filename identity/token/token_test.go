package token_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/fault"
)

var issued = time.Date(2030, 1, 2, 3, 4, 5, 678901000, time.UTC)

func typical() token.Claims {
	return token.Claims{
		UserID: "0199c5f0a1b27c3d8e4f5a6b7c8d9e0f", UserName: "admin", UserDomainID: "default",
		ProjectID: "0199c5f0a1b27c3d8e4f5a6b7c8d9e10", ProjectName: "admin", ProjectDomainID: "default",
		Methods: []string{"password"}, Roles: []string{"admin", "manager", "member", "reader"},
		AuditID: token.NewAuditID(), IssuedAt: issued, ExpiresAt: issued.Add(time.Hour).Truncate(time.Second),
	}
}

func keys(t testing.TB) *token.Keys {
	t.Helper()
	k := token.NewKeys(t.TempDir() + "/keys")
	if err := k.Setup(); err != nil {
		t.Fatal(err)
	}
	return k
}

func issue(t testing.TB, k *token.Keys, c token.Claims) string {
	t.Helper()
	tok, err := token.Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestATokenSaysWhatWasPutIn(t *testing.T) {
	k := keys(t)
	full := typical()
	full.ParentAuditID, full.CredentialID = token.NewAuditID(), "0199c5f0-a1b2-7c3d-8e4f-5a6b7c8d9e11"
	full.Methods = []string{"token", "totp", "external"}
	full.Roles = []string{"reader", "auditor", "rôle"}
	domain := typical()
	domain.ProjectID, domain.ProjectName, domain.ProjectDomainID, domain.DomainID = "", "", "", "Odd Domain"
	system := domain
	system.DomainID, system.System = "", true
	for name, c := range map[string]token.Claims{"project": typical(), "everything": full, "domain": domain, "system": system} {
		t.Run(name, func(t *testing.T) {
			got, err := token.Verify(k, issue(t, k, c), issued)
			if d := cmp.Diff(c, got); err != nil || d != "" {
				t.Error(err, d)
			}
		})
	}
}

func TestATypicalTokenIsShort(t *testing.T) {
	if tok := issue(t, keys(t), typical()); len(tok) >= 255 {
		t.Errorf("%d bytes: %s", len(tok), tok)
	}
}

func TestBadTokensAreUnauthenticated(t *testing.T) {
	k := keys(t)
	good := issue(t, k, typical())
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	flip := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	later := issued.Add(time.Hour)
	tests := []struct {
		name  string
		token string
		now   time.Time
	}{
		{"nothing", "", issued},
		{"expired", good, later},
		{"made with other keys", issue(t, keys(t), typical()), issued},
		{"cut", good[:len(good)-4], issued},
		{"followed by something", good + "AAAA", issued},
		{"followed by something that is no token", good + "!", issued},
		{"with padding of its own", good + "=", issued},
		{"with a line break", good[:8] + "\n" + good[8:], issued},
		{"other version", flip(0), issued},
		{"other time", flip(8), issued},
		{"other iv", flip(10), issued},
		{"other payload", flip(40), issued},
		{"other signature", flip(len(raw) - 1), issued},
		{"too long", strings.Repeat("A", token.MaxLength+1), issued},
		{"short", "gAAAAA", issued},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := token.Verify(k, tt.token, tt.now); !errors.Is(err, fault.Unauthenticated) {
				t.Errorf("Verify = %v", err)
			}
		})
	}
	if _, err := token.Verify(k, good, later.Add(-time.Second)); err != nil {
		t.Errorf("a token is good until it expires: %v", err)
	}
}

func TestAnyClaimsSurvive(t *testing.T) {
	k := keys(t)
	rapid.Check(t, func(t *rapid.T) {
		c := token.Claims{
			UserID: rapid.StringN(1, 64, 64).Draw(t, "user"), UserName: rapid.StringN(0, 255, 255).Draw(t, "name"),
			UserDomainID: rapid.String().Draw(t, "domain"),
			System:       rapid.Bool().Draw(t, "system"),
			CredentialID: rapid.String().Draw(t, "credential"),
			AuditID:      token.NewAuditID(), IssuedAt: issued, ExpiresAt: issued.Truncate(time.Second).Add(time.Minute),
		}
		tok, err := token.Issue(k, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := token.Verify(k, tok, issued)
		if d := cmp.Diff(c, got); err != nil || d != "" {
			t.Fatal(err, d)
		}
	})
}

func TestRevocations(t *testing.T) {
	c := typical()
	c.CredentialID = "cred"
	now := issued.Add(time.Minute)
	domain := c
	domain.ProjectID, domain.DomainID = "", "d"
	tests := []struct {
		name   string
		claims token.Claims
		revoke token.Revocation
		want   bool
	}{
		{"the token", c, token.Revoke(token.ByAudit, c.AuditID, now), true},
		{"another token", c, token.Revoke(token.ByAudit, token.NewAuditID(), now), false},
		{"the user", c, token.Revoke(token.ByUser, c.UserID, now), true},
		{"the user before the token was made", c, token.Revoke(token.ByUser, c.UserID, issued.Add(-time.Microsecond)), false},
		{"the project", c, token.Revoke(token.ByProject, c.ProjectID, now), true},
		{"the user's domain", c, token.Revoke(token.ByDomain, "default", now), true},
		{"the domain in scope", domain, token.Revoke(token.ByDomain, "d", now), true},
		{"a role it carries", c, token.Revoke(token.ByRole, "member", now), true},
		{"a role it does not carry", c, token.Revoke(token.ByRole, "auditor", now), false},
		{"the grant", c, token.Revoke(token.ByGrant, token.GrantSubject(c.UserID, "project", c.ProjectID), now), true},
		{"a grant in another scope", domain, token.Revoke(token.ByGrant, token.GrantSubject(c.UserID, "project", c.ProjectID), now), false},
		{"the credential", c, token.Revoke(token.ByCredential, "cred", now), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r token.Revocations
			if r.Revoked(tt.claims) {
				t.Error("revoked by nothing")
			}
			r.Add(tt.revoke)
			if got := r.Revoked(tt.claims); got != tt.want {
				t.Errorf("Revoked = %v", got)
			}
			before := r.Changes()
			if r.Add(tt.revoke); r.Changes() != before {
				t.Error("adding twice counted twice")
			}
			if r.Prune(now.Add(time.Second)); r.Revoked(tt.claims) {
				t.Error("still there after Prune")
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	k := keys(f)
	f.Add(issue(f, k, typical()))
	f.Add("gAAAAABh")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := token.Verify(k, s, issued)
		if err != nil {
			return
		}
		if again := issue(t, k, c); len(again) != len(s) {
			t.Errorf("%q was taken for %+v", s, c)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	k := keys(b)
	tok := issue(b, k, typical())
	for b.Loop() {
		if _, err := token.Verify(k, tok, issued); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	k, c := keys(b), typical()
	for b.Loop() {
		issue(b, k, c)
	}
}
