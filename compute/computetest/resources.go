package computetest

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

func lists(t *testing.T, w world) {
	for i := range 5 {
		spec := w.spec(fmt.Sprint("listed-", i))
		spec.Tags = []string{fmt.Sprint("t", i%2)}
		w.make(t, spec)
	}
	count := func(q compute.Query) int {
		n := 0
		for {
			p, err := w.Servers(member(t), q)
			must(t, err)
			n += len(p.Items)
			if q.Marker = p.Next; q.Marker == "" {
				return n
			}
		}
	}
	for name, tt := range map[string]struct {
		q    compute.Query
		want int
	}{
		"all in pages": {compute.Query{Query: page.Query{Limit: 2}}, 5},
		"by name":      {compute.Query{Name: "listed-3"}, 1},
		"by tag":       {compute.Query{Tags: []string{"t0"}}, 3},
		"by any tag":   {compute.Query{TagsAny: []string{"t0", "t1"}}, 5},
		"not a tag":    {compute.Query{NotTags: []string{"t0"}}, 2},
		"by status":    {compute.Query{Status: []compute.Status{compute.ShutOff}}, 0},
		"by flavor":    {compute.Query{FlavorID: "1"}, 5},
	} {
		if n := count(tt.q); n != tt.want {
			t.Errorf("%s: %d, want %d", name, n, tt.want)
		}
	}
}

func flavors(t *testing.T, w world) {
	_, err := w.CreateFlavor(member(t), compute.Flavor{Name: "mine", VCPUs: 1, MemoryMiB: 1})
	is(t, "members make none", err, fault.Forbidden)
	_, err = w.CreateFlavor(admin(t), compute.Flavor{Name: "empty"})
	is(t, "no vCPUs", err, fault.Invalid)
	f, err := w.CreateFlavor(admin(t), compute.Flavor{Name: "private", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	_, err = w.CreateFlavor(admin(t), compute.Flavor{Name: "private", VCPUs: 1, MemoryMiB: 64})
	is(t, "a name twice", err, fault.Conflict)
	_, err = w.Flavor(member(t), f.ID)
	is(t, "private", err, fault.NotFound)
	_, err = w.UpdateFlavor(admin(t), compute.FlavorPatch{ID: f.ID, AddProject: Project, Specs: map[string]*string{"a": new("b")}})
	must(t, err)
	got, err := w.Flavor(member(t), f.ID)
	must(t, err)
	if got.Specs["a"] != "b" {
		t.Errorf("%+v", got)
	}
	got, err = w.UpdateFlavor(admin(t), compute.FlavorPatch{ID: f.ID, Specs: map[string]*string{"a": nil, "c": new("d")}})
	must(t, err)
	if len(got.Specs) != 1 || got.Specs["c"] != "d" {
		t.Errorf("%+v", got)
	}
	must(t, w.DeleteFlavor(admin(t), f.ID))
	is(t, "delete again", w.DeleteFlavor(admin(t), f.ID), fault.NotFound)
}

func keypairs(t *testing.T, w world) {
	made, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "made"})
	must(t, err)
	if made.PrivateKey == "" || made.Fingerprint == "" {
		t.Error("no private key or fingerprint")
	}
	given, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "given", PublicKey: made.PublicKey})
	must(t, err)
	if given.PrivateKey != "" || given.Fingerprint != made.Fingerprint {
		t.Errorf("%+v", given)
	}
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "given"})
	is(t, "a name twice", err, fault.Conflict)
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "bad", PublicKey: "ssh-rsa nonsense"})
	is(t, "not a key", err, fault.Invalid)
	_, err = w.Keypair(member(t), compute.KeypairID{UserID: "user-of-p2", Name: "given"})
	is(t, "another's", err, fault.NotFound)
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "bad", Type: "pgp"})
	is(t, "an unknown type", err, fault.Invalid)
	certificates(t, w)
	list, err := w.Keypairs(member(t), compute.KeypairQuery{})
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].PrivateKey != "" {
		t.Errorf("%+v", list.Items)
	}
	must(t, w.DeleteKeypair(member(t), compute.KeypairID{Name: "made"}))
	is(t, "delete again", w.DeleteKeypair(member(t), compute.KeypairID{Name: "made"}), fault.NotFound)
}

// certificates are the public halves of keypairs for Windows.
func certificates(t *testing.T, w world) {
	made, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "certificate", Type: compute.KeyX509})
	must(t, err)
	if _, err := tls.X509KeyPair([]byte(made.PublicKey), []byte(made.PrivateKey)); err != nil {
		t.Errorf("certificate and key: %v", err)
	}
	given, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "given certificate", Type: compute.KeyX509, PublicKey: made.PublicKey})
	must(t, err)
	if given.Type != compute.KeyX509 || given.PrivateKey != "" || given.Fingerprint != made.Fingerprint || len(made.Fingerprint) != 59 {
		t.Errorf("%+v", given)
	}
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "bad", Type: compute.KeyX509, PublicKey: "ssh-ed25519 AAAA"})
	is(t, "not a certificate", err, fault.Invalid)
	for _, name := range []string{"certificate", "given certificate"} {
		must(t, w.DeleteKeypair(member(t), compute.KeypairID{Name: name}))
	}
}

func quotas(t *testing.T, w world) {
	_, err := w.SetQuota(admin(t), compute.QuotaPatch{ProjectID: Project, Limits: quota.Amount{compute.ResourceServers: 1}})
	must(t, err)
	s := w.make(t, w.spec("first"))
	_, err = w.CreateServer(member(t), w.spec("second"))
	is(t, "one too many", err, fault.OverQuota)
	q, err := w.Quota(member(t), Project)
	must(t, err)
	if q.Used[compute.ResourceServers] != 1 || q.Used[compute.ResourceMemoryMiB] != 64 {
		t.Errorf("%+v", q)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	w.make(t, w.spec("third"))
}

func actions(t *testing.T, w world) {
	s := w.make(t, w.spec("acts"))
	must(t, w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: compute.Stop}))
	w.wait(t, s.ID, compute.ShutOff)
	list, err := w.Actions(member(t), compute.ActionQuery{ServerID: s.ID})
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].Name != "stop" || list.Items[1].Name != "create" || list.Items[0].FinishedAt.IsZero() {
		t.Errorf("%+v", list.Items)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	list, err = w.Actions(member(t), compute.ActionQuery{ServerID: s.ID})
	if err != nil || len(list.Items) != 3 || list.Items[0].Name != "delete" || list.Items[0].FinishedAt.IsZero() {
		t.Errorf("of a deleted server: %+v, %v", list.Items, err)
	}
	_, err = w.Actions(identitytest.In(t, "p2", identity.RoleMember), compute.ActionQuery{ServerID: s.ID})
	is(t, "of another's", err, fault.NotFound)
	_, err = w.Actions(member(t), compute.ActionQuery{ServerID: "0190aaaa-0000-7000-8000-00000000dead"})
	is(t, "of none", err, fault.NotFound)
}

func traits(t *testing.T, w world) {
	for _, tt := range []struct {
		specs map[string]string
		want  compute.Status
	}{
		{map[string]string{"trait:" + compute.TraitTCG: "required"}, compute.Active},
		{map[string]string{"trait:" + compute.TraitTCG: "forbidden"}, compute.Failed},
		{map[string]string{"trait:CUSTOM_GOLD": "required"}, compute.Failed},
		{map[string]string{"trait:CUSTOM_GOLD": "forbidden"}, compute.Active},
	} {
		f, err := w.CreateFlavor(admin(t), compute.Flavor{Name: fmt.Sprint(tt.specs), VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true, Specs: tt.specs})
		must(t, err)
		spec := w.spec("choosy")
		spec.FlavorID = f.ID
		s, err := w.CreateServer(member(t), spec)
		must(t, err)
		w.wait(t, s.ID, tt.want)
	}
}

func noRoom(t *testing.T, w world) {
	_, err := w.CreateFlavor(admin(t), compute.Flavor{ID: "huge", Name: "huge", VCPUs: 1, MemoryMiB: 1 << 30, RootGiB: 1, Public: true})
	must(t, err)
	_, err = w.SetQuota(admin(t), compute.QuotaPatch{ProjectID: Project, Limits: quota.Amount{compute.ResourceMemoryMiB: quota.Unlimited}})
	must(t, err)
	spec := w.spec("too large")
	spec.FlavorID = "huge"
	s, err := w.CreateServer(member(t), spec)
	must(t, err)
	s = w.wait(t, s.ID, compute.Failed)
	if s.Fault == nil || s.Fault.Kind != fault.Exhausted || s.Host != "" {
		t.Fatalf("%+v", s.Fault)
	}
	if f := s.Fault; strings.Contains(f.Message, "memory") || !strings.Contains(f.Details, "lack memory (need") {
		t.Errorf("everybody is told %q, administrators %q", f.Message, f.Details)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
}
