package network

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// A Driver makes one host carry networks. It runs on that host.
//
// A Driver is level-triggered. It is never told what happened, only how things should be: Apply is
// given the whole View and makes the host so. Whoever calls it computes the View from its tables
// anew, after each change and every minute, and need not remember what a host was told before. The
// rules that follow from this are what networktest.TestDriver checks.
//
// Apply creates what the View has and the host lacks, changes what differs, and removes what the
// driver once made and the View no longer has: in whatever state the host is, also one left by a crash in the middle of
// another Apply, by another process with the same configuration, or by a hand that deleted a device.
// It never touches what the driver did not make. When Apply returns nil the host is as the
// View says, and traffic flows by its rules. Applying the same View again changes nothing, interrupts
// nobody, and costs next to nothing; one more port costs one port.
//
// A View that cannot be true (a port on a network that is not in it, two ports with one tap) is fault.Invalid and
// changes nothing. Anything else that goes wrong leaves the rest of the View in force: a
// driver does as much as it can, answers fault.Unavailable with what failed, and the next Apply
// continues. A driver must fail closed: a guest is at no moment attached without the rules
// of its port, and rules change atomically.
//
// What a host promises to a guest:
//
//   - The device HostPort.Tap exists while the port is in the View, and is attached to its network. A hypervisor
//     opens it; the driver owns it, and removes it with the port.
//   - DHCP answers the port's MAC, and no other, with its first address in a subnet that has DHCP: mask, gateway, DNS,
//     host name, MTU, lease time, and the subnet's routes with the one to metadata.
//   - http://169.254.169.254 is answered by MetadataHandler, which is told who asks.
//   - Nothing comes in but what a rule lets in and answers to what went out. Rules govern what goes out
//     the same way. ARP, DHCP and neighbour discovery need no rule.
//   - A guest cannot send with another's MAC or address, answer ARP or neighbour discovery for another,
//     serve DHCP or router advertisements, or reach the host through its network.
//   - Connections whose rule is taken away end.
//   - Two networks of one host may use the same addresses.
//
// What it promises to a router: interfaces answer at their addresses, static routes hold, what leaves by the
// gateway has the gateway's address (with SNAT), a floating address reaches its fixed one and is
// what that one leaves with, also between guests of one router. With SNAT nobody outside
// can open a connection to an inside address. Addresses that appear or move are announced (gratuitous ARP).
//
// Apply and List may be called at the same time from several goroutines; the driver serialises them.
type Driver interface {
	// Apply makes the host carry view and nothing else. Errors: fault.Invalid, fault.Unsupported (the
	// host cannot do it, and why), fault.Unavailable (call again). The view stays the caller's.
	Apply(ctx context.Context, view View) error
	// List tells what is on the host now, by looking at it and not from memory.
	List(ctx context.Context) (Carried, error)
}

type (
	// A Starter is a Driver that is started with the program.
	Starter = driver.Starter
	// A Stopper is a Driver that is stopped with the program. What it carries stays.
	Stopper = driver.Stopper
)

// Carried is what a driver found on its host. Whoever holds the View compares ids: what is missing
// or too much here is drift, and Apply mends it.
type Carried struct {
	Networks, Ports, Routers []string // ids, sorted; only what is complete
	Leftovers                []string // names of devices and namespaces that belong to none of these
}

// Guest is who asks for metadata: the driver vouches that nobody else can send from this address
// on this network.
type Guest struct {
	Network string
	Address netip.Addr
}

// MetadataHandler answers one request to 169.254.169.254. Drivers get it when they are made and
// call it from many goroutines; headers are the guest's and prove nothing.
type MetadataHandler func(from Guest, w http.ResponseWriter, r *http.Request)
