package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// maxRatio is the largest overcommit that is no mistake.
const maxRatio = 1000

// host returns the row that r asks for; a report that makes no sense is Invalid.
func (r HostReport) host(now time.Time) (Host, error) {
	if r.Name == "" || len(r.Name) > 255 || len(r.AvailabilityZone) > 255 {
		return Host{}, fault.Invalid.Errorf("host report: no name, or a name or zone above 255 bytes")
	}
	if len(r.Traits) > maxNames || len(r.Inventories) > maxClasses {
		return Host{}, fault.Invalid.Errorf("host %s: more than %d traits or %d classes", r.Name, maxNames, maxClasses)
	}
	h := Host{
		ID: IDOf(r.Name), Name: r.Name, AvailabilityZone: r.AvailabilityZone, Enabled: true, Generation: 1,
		SeenAt: now, CreatedAt: now,
		Traits: slices.Compact(slices.Sorted(slices.Values(r.Traits))),
	}
	for _, inv := range r.Inventories {
		if err := inv.check(); err != nil {
			return Host{}, fault.Invalid.Wrap(err, "host %s", r.Name)
		}
		if inv.Ratio == 0 {
			inv.Ratio = 1
		}
		h.Inventories = append(h.Inventories, Inventory{
			HostID: h.ID, Class: inv.Class, Total: inv.Total, Reserved: inv.Reserved, Ratio: inv.Ratio, Capacity: inv.capacity(),
		})
	}
	slices.SortFunc(h.Inventories, func(a, b Inventory) int { return strings.Compare(string(a.Class), string(b.Class)) })
	for i := 1; i < len(h.Inventories); i++ {
		if h.Inventories[i].Class == h.Inventories[i-1].Class {
			return Host{}, fault.Invalid.Errorf("host %s reports %s twice", r.Name, h.Inventories[i].Class)
		}
	}
	var err error
	h.Digest, err = h.digest()
	return h, err
}

func (i Inventory) check() error {
	if i.Class == "" || i.Total < 0 || i.Reserved < 0 || i.Ratio < 0 || i.Ratio > maxRatio || max(i.Total, i.Reserved) > maxAmount {
		return fault.Invalid.Errorf("%d (%d reserved, ratio %g) of %q", i.Total, i.Reserved, i.Ratio, i.Class)
	}
	return nil
}

// digest stands for all that a host reports, so that a repeated report is known
// without reading anything.
func (h Host) digest() (string, error) {
	text, err := json.Marshal(struct {
		AvailabilityZone string
		Traits           []string
		Inventories      []Inventory
	}{h.AvailabilityZone, h.Traits, h.Inventories})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), fault.Internal.Wrap(err, "host %s", h.Name)
}
