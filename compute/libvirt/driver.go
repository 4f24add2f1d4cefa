//go:build libvirt

package libvirt

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Driver is a compute.Driver that is also a Starter, a Stopper, a Console and a Watcher.
type Driver struct {
	config Config
	files  files
	link   *link
	locks  locks
	stop   context.CancelFunc
	loops  sync.WaitGroup
}

// New returns a driver that Start connects.
func New(c Config) (compute.Driver, error) {
	c = c.withDefaults()
	if c.Images == nil {
		return nil, fault.Invalid.Errorf("libvirt: no image source: set Config.Images")
	}
	if c.Accelerator == "" {
		c.Accelerator = detect()
	}
	d := &Driver{
		config: c,
		files:  files{dir: c.Dir, logs: c.LogDir, images: compute.NewImageCache(filepath.Join(c.Dir, "images"), c.Images)},
		link:   newLink(c.URI, c.Log),
		locks:  locks{held: map[compute.ServerID]chan struct{}{}},
	}
	return d, nil
}

// Start implements compute.Starter.
func (d *Driver) Start(ctx context.Context) error {
	if err := mkdir(d.files.servers()); err != nil {
		return storage(err, "making %s", d.files.servers())
	}
	if err := d.link.connect(ctx); err != nil {
		return err
	}
	d.config.Log.Info("hypervisor ready", "uri", d.config.URI, "accelerator", d.config.Accelerator, "dir", d.config.Dir)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.loops.Go(func() { d.link.keep(work) })
	d.loops.Go(func() { d.tidy(work) })
	d.loops.Go(func() { d.warm(work) })
	return nil
}

// Stop implements compute.Stopper.
func (d *Driver) Stop(context.Context) error {
	if d.stop != nil {
		d.stop()
	}
	d.loops.Wait()
	d.link.close()
	return nil
}

// warm makes libvirt examine QEMU, which takes seconds, before the first guest needs it.
func (d *Driver) warm(ctx context.Context) {
	_, err := atOnce(ctx, d, func(c *libvirt.Connect) (string, error) {
		return c.GetDomainCapabilities("", "x86_64", "q35", d.config.Accelerator.domainType(), 0)
	})
	if err != nil && ctx.Err() == nil {
		d.config.Log.Warn("libvirt cannot run guests here", "accelerator", d.config.Accelerator, "error", err)
	}
}

// tidy keeps the console logs short and the image cache free of what nobody uses.
func (d *Driver) tidy(ctx context.Context) {
	minute, day := time.NewTicker(time.Minute), time.NewTicker(24*time.Hour)
	defer minute.Stop()
	defer day.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
			d.trimConsoles()
		case <-day.C:
			if err := d.files.images.Evict(d.config.ImageAge); err != nil {
				d.config.Log.Warn("image cache", "error", err)
			}
		}
	}
}

// inOrder runs f alone among the calls about one guest. It returns when ctx ends;
// f may then go on, and holds up the next call about the guest until it is done.
func inOrder[T any](ctx context.Context, d *Driver, id compute.ServerID, f func(*libvirt.Connect) (T, error)) (T, error) {
	unlock, err := d.locks.lock(ctx, id)
	if err != nil {
		var none T
		return none, err
	}
	return within(ctx, func() (T, error) {
		defer unlock()
		return connected(d, f)
	})
}

// atOnce runs f beside whatever else is going on, and returns when f or ctx ends.
func atOnce[T any](ctx context.Context, d *Driver, f func(*libvirt.Connect) (T, error)) (T, error) {
	return within(ctx, func() (T, error) { return connected(d, f) })
}

func connected[T any](d *Driver, f func(*libvirt.Connect) (T, error)) (T, error) {
	conn, err := d.link.acquire()
	if err != nil {
		var none T
		return none, err
	}
	defer release(conn)
	return f(conn)
}

// within returns when f or ctx ends: libvirt's calls know no deadline.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fault.Unavailable.Errorf("the hypervisor is still at it: %w", ctx.Err())
	}
}

// locks puts the calls about one guest in order.
type locks struct {
	mu   sync.Mutex
	held map[compute.ServerID]chan struct{} // closed when it is let go
}

func (l *locks) lock(ctx context.Context, id compute.ServerID) (func(), error) {
	for {
		l.mu.Lock()
		holder, taken := l.held[id]
		if !taken {
			mine := make(chan struct{})
			l.held[id] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, id)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-holder:
		case <-ctx.Done():
			return nil, fault.Unavailable.Errorf("another operation on server %s is still at work: %w", id, ctx.Err())
		}
	}
}

var (
	_ compute.Driver  = (*Driver)(nil)
	_ compute.Starter = (*Driver)(nil)
	_ compute.Stopper = (*Driver)(nil)
	_ compute.Console = (*Driver)(nil)
	_ compute.Watcher = (*Driver)(nil)
)
