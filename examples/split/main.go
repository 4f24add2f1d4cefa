// Command split is one cloud in many processes: a control plane with the
// databases, the APIs and the flows, and hosts that run servers and have no
// database. They are the same modules as in a cloud of one process; only the
// lists in control.go and host.go differ.
//
//	split control -listen 10.0.0.1:5000 -bus 10.0.0.1:4222 \
//	      -database postgres://nacre@/nacre -dir /var/lib/nacre
//	split host -name host1 -bus nats://10.0.0.1:4222 -token /etc/nacre/bus-token -driver libvirt
//
// The control plane names no host: each says that it is there, and "openstack
// hypervisor list" and "openstack network agent list" show it. With -driver memory
// a host needs no root. The administrator's password is in DIR/admin-password.
//
// The bus goes over a NATS server inside the control plane, or over one of its
// own when -bus is a URL. Whoever has the token in DIR/bus-token, which the first
// start makes, commands the cloud: give it to hosts, and to nobody else.
//
// Control planes side by side share the database, a NATS server of its own, and
// DIR, or a copy of its token and a common directory behind its keys, images,
// objects and volumes.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "split:", err)
		os.Exit(1)
	}
}

// parts are what a process of the cloud can be.
var parts = map[string]func(*flag.FlagSet, []string) (fx.Option, error){
	"control": controlPart,
	"host":    hostPart,
}

func run(args []string) error {
	if len(args) == 0 || parts[args[0]] == nil {
		return fmt.Errorf("say which part this process is: split control, or split host")
	}
	flags := flag.NewFlagSet("split "+args[0], flag.ExitOnError)
	verbose := flags.Bool("v", false, "log what happens")
	part, err := parts[args[0]](flags, args[1:])
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	return serve(fx.New(fx.NopLogger, fx.Supply(log), part))
}

// serve runs a program until it is asked to end.
func serve(app *fx.App) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app.Start(ctx); err != nil {
		return fmt.Errorf("start: %w", dig.RootCause(err)) // what is wrong, not how fx came upon it
	}
	<-ctx.Done()
	limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := app.Stop(limit); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
