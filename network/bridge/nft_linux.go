package bridge

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// A batch is changes of one namespace's rules that happen together or not at all.
type batch struct {
	c    *nftables.Conn
	sets uint32
	err  error
}

func newBatch(ns int) (*batch, error) {
	// One send carries the whole batch, and the kernel answers each message before we read.
	room := func(c *netlink.Conn) error {
		const most = 64 << 20
		if err := c.SetWriteBuffer(most); err != nil {
			return fmt.Errorf("nftables: %w", err)
		}
		return c.SetReadBuffer(most)
	}
	c, err := nftables.New(nftables.WithNetNSFd(ns), nftables.WithSockOptions(room))
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	return &batch{c: c}, nil
}

func (b *batch) commit() error {
	if b.err != nil {
		return b.err
	}
	if err := b.c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// drop removes a table, which need not be there.
func (b *batch) drop(family nftables.TableFamily, name string) {
	t := b.c.AddTable(&nftables.Table{Family: family, Name: name})
	b.c.DelTable(t)
}

// table makes an empty table in place of what was there.
func (b *batch) table(family nftables.TableFamily, name string) *nftables.Table {
	b.drop(family, name)
	return b.c.AddTable(&nftables.Table{Family: family, Name: name})
}

func (b *batch) chain(t *nftables.Table, name string) *nftables.Chain {
	return b.c.AddChain(&nftables.Chain{Table: t, Name: name})
}

func (b *batch) hook(t *nftables.Table, name string, kind nftables.ChainType, hook *nftables.ChainHook, priority nftables.ChainPriority) *nftables.Chain {
	return b.c.AddChain(&nftables.Chain{Table: t, Name: name, Type: kind, Hooknum: hook, Priority: &priority})
}

func (b *batch) rule(c *nftables.Chain, parts ...[]expr.Any) {
	b.c.AddRule(&nftables.Rule{Table: c.Table, Chain: c, Exprs: slices.Concat(parts...)})
}

// set makes a set, or returns a handle on one that is there.
func (b *batch) set(s *nftables.Set) *nftables.Set {
	b.sets++
	s.ID = b.sets // the library's own counter is not safe for several goroutines
	b.keep(b.c.AddSet(s, nil))
	return s
}

// chunk keeps the elements of one message below the 64 KiB of a netlink attribute.
const chunk = 256

func (b *batch) insert(s *nftables.Set, elements []nftables.SetElement) {
	for part := range slices.Chunk(elements, chunk) {
		b.keep(b.c.SetAddElements(s, part))
	}
}

func (b *batch) erase(s *nftables.Set, elements []nftables.SetElement) {
	for part := range slices.Chunk(elements, chunk) {
		b.keep(b.c.SetDeleteElements(s, part))
	}
}

func (b *batch) keep(err error) {
	if b.err == nil && err != nil {
		b.err = fmt.Errorf("nftables: %w", err)
	}
}

// The parts that rules are made of.

func exprs(e ...expr.Any) []expr.Any { return e }

func verdict(kind expr.VerdictKind) []expr.Any { return exprs(&expr.Verdict{Kind: kind}) }

func jump(chain string) []expr.Any {
	return exprs(&expr.Verdict{Kind: expr.VerdictJump, Chain: chain})
}

var (
	accept = verdict(expr.VerdictAccept)
	drop   = verdict(expr.VerdictDrop)
)

func compare(op expr.CmpOp, data []byte) expr.Any {
	return &expr.Cmp{Op: op, Register: 1, Data: data}
}

// field compares bytes of a header.
func field(base expr.PayloadBase, offset uint32, op expr.CmpOp, data []byte) []expr.Any {
	return exprs(&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(data))}, compare(op, data))
}

// prefix compares the leading bits of an address in a header.
func prefix(base expr.PayloadBase, offset uint32, op expr.CmpOp, p netip.Prefix) []expr.Any {
	p = p.Masked()
	addr := p.Addr().AsSlice()
	n := uint32(len(addr))
	e := exprs(&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: n})
	if p.Bits() < p.Addr().BitLen() {
		mask := make([]byte, n)
		for i := range p.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		e = append(e, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: n, Mask: mask, Xor: make([]byte, n)})
	}
	return append(e, compare(op, addr))
}

// portRange compares a 16-bit field of the transport header with a range.
func portRange(offset uint32, from, to uint16) []expr.Any {
	if from == to {
		return field(expr.PayloadBaseTransportHeader, offset, expr.CmpOpEq, be16(from))
	}
	return exprs(&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
		compare(expr.CmpOpGte, be16(from)), compare(expr.CmpOpLte, be16(to)))
}

func protocol(n uint8) []expr.Any {
	return exprs(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, compare(expr.CmpOpEq, []byte{n}))
}

func udp(source, destination uint16) []expr.Any {
	return slices.Concat(protocol(unix.IPPROTO_UDP), portRange(0, source, source), portRange(2, destination, destination))
}

func icmp6(from, to uint8) []expr.Any {
	return append(protocol(unix.IPPROTO_ICMPV6), &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		compare(expr.CmpOpGte, []byte{from}), compare(expr.CmpOpLte, []byte{to}))
}

// device looks up the name of a device (MetaKeyIIFNAME or MetaKeyOIFNAME) in a set of names.
func device(key expr.MetaKey, set string) []expr.Any {
	return exprs(&expr.Meta{Key: key, Register: 1}, &expr.Lookup{SourceRegister: 1, SetName: set})
}

// dispatch jumps to the chain that a verdict map has for a device.
func dispatch(key expr.MetaKey, m string) []expr.Any {
	return exprs(&expr.Meta{Key: key, Register: 1}, &expr.Lookup{SourceRegister: 1, SetName: m, IsDestRegSet: true})
}

func isDevice(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	return exprs(&expr.Meta{Key: key, Register: 1}, compare(op, ifname(name)))
}

// connection matches when the state or status of the connection has one of bits.
func connection(key expr.CtKey, op expr.CmpOp, bits uint32) []expr.Any {
	return exprs(&expr.Ct{Key: key, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: ne32(bits), Xor: ne32(0)}, compare(op, ne32(0)))
}

func be16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func ne32(n uint32) []byte { return binaryutil.NativeEndian.PutUint32(n) }

func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

// intervals turns prefixes of one family into the elements of an interval set.
func intervals(prefixes []netip.Prefix, v6 bool) []nftables.SetElement {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		if p.IsValid() && p.Addr().Is6() == v6 {
			b.AddPrefix(p.Masked())
		}
	}
	set, err := b.IPSet()
	if err != nil {
		return nil // only ranges can be wrong, and none was added
	}
	var out []nftables.SetElement
	for _, r := range set.Ranges() {
		out = append(out, nftables.SetElement{Key: r.From().AsSlice()})
		if end := r.To().Next(); end.IsValid() { // a range up to the last address has no end
			out = append(out, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
		}
	}
	return out
}
