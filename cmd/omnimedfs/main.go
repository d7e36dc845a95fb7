// Command omnimedfs mounts open medical segmentation datasets as a folder and
// answers questions about them. Each verb is a file of its name; the datasets
// themselves are behind the interface api.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// verb is one row of the verb table.
type verb struct {
	name, args, short string
	min, max          int // number of arguments; max -1 is unbounded
	run               func(ctx context.Context, p *program, args []string) error
}

var verbs []verb

func init() { // in init, since help ranges over the table
	verbs = []verb{
		{"mount", "DIR", "show the datasets below DIR", 1, 1, runMount},
		{"umount", "DIR", "end a mount", 1, 1, runUmount},
		{"ls", "[GLOB…]", "list the datasets", 0, -1, runLs},
		{"info", "ID", "describe one dataset", 1, 1, runInfo},
		{"fetch", "ID|PATH…", "bring datasets or files into the cache", 1, -1, runFetch},
		{"why", "PATH", "say why a file could not be read", 1, 1, runWhy},
		{"cache", "stat|trim SIZE|clear", "look after the cache", 1, 2, runCache},
		{"status", "", "describe the running mount", 0, 0, runStatus},
		{"recipe", "ACTION …", "lint, check or start a recipe; omnimedfs recipe help lists the actions", 1, -1, runRecipe},
		{"verify", "ID…|--all", "convert datasets anew from their raw files and compare", 0, -1, runVerify},
		{"export", "ID… DIR", "copy datasets to a folder, or a framework's layout of them", 2, -1, runExport},
		{"serve", "", "serve the datasets over HTTP, for machines without FUSE", 0, 0, runServe},
		{"lock", "FILE [ID…]", "write down recipes and checksums, so that others get the same bytes", 1, -1, runLock},
		{"cite", "[ID…]", "print the citations of datasets, or of what the running mount has read", 0, -1, runCite},
		{"doctor", "", "say what on this machine keeps mounts from working well", 0, 0, runDoctor},
		{"version", "", "print the version and what it can read", 0, 0, runVersion},
		{"help", "[VERB]", "print help", 0, 1, runHelp},
	}
}

// program is one run of the command.
type program struct {
	stdout, stderr io.Writer
	lookup         func(string) (string, bool)
	opts           options
	table          *cli.Set
	log            *slog.Logger
	open           func(*options, *slog.Logger) (backend, error)
	mount          mountFunc
	ready          *readyPipe // how a background mount tells its parent
	mountDir       string     // the mount that a path argument lies in
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ sig os.Signal }

func (e signalError) Error() string { return e.sig.String() }

// gcPercent lets the heap grow by half before it is collected. What lives long
// is the index of the datasets: next to a million files of it as much garbage
// would stand otherwise.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	p := &program{stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv, open: newApp, mount: mountTree}
	os.Exit(p.main(os.Args))
}

// main runs argv and returns the exit code.
func (p *program) main(argv []string) int {
	ctx, stop := catchSignals()
	defer stop()
	p.table = p.opts.table()
	if helper, ok := asMountHelper(argv); ok {
		return helper.main(ctx, p)
	}
	err := p.run(ctx, argv[1:])
	p.complain(err)
	return cli.ExitCode(err)
}

// sameSignal is how long after a SIGINT or SIGTERM another one counts as the
// same: timeout(1) and supervisors send it to the process and to its group.
const sameSignal = time.Second

// catchSignals returns a context that the first SIGINT or SIGTERM ends; one
// that comes later than sameSignal ends the process.
func catchSignals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		if s, ok := <-sigs; ok {
			cancel(signalError{s})
			time.Sleep(sameSignal)
			signal.Reset(syscall.SIGINT, syscall.SIGTERM)
		}
	}()
	return ctx, func() {
		signal.Stop(sigs)
		close(sigs)
		cancel(nil)
	}
}

func (p *program) run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		return runHelp(ctx, p, nil)
	}
	if args[0] == "--version" {
		args[0] = "version"
	}
	v := findVerb(args[0])
	if v == nil {
		return cli.Usage(fmt.Errorf("unknown verb %q; see omnimedfs help", args[0]))
	}
	rest, err := p.table.Load(v.name, args[1:], p.lookup)
	if errors.Is(err, pflag.ErrHelp) {
		return runHelp(ctx, p, []string{v.name})
	}
	if err != nil {
		return err
	}
	if len(rest) < v.min || v.max >= 0 && len(rest) > v.max {
		return cli.Usage(fmt.Errorf("usage: omnimedfs %s %s", v.name, v.args))
	}
	return p.start(ctx, v, rest)
}

// start runs a verb whose options are set.
func (p *program) start(ctx context.Context, v *verb, args []string) error {
	if err := p.opts.finish(); err != nil {
		return err
	}
	p.log = cli.NewLogger(p.stderr, p.opts.LogFormat, p.opts.LogLevel)
	return v.run(ctx, p, args)
}

func findVerb(name string) *verb {
	for i := range verbs {
		if verbs[i].name == name {
			return &verbs[i]
		}
	}
	return nil
}

// complain prints err for people.
func (p *program) complain(err error) {
	switch {
	case err == nil, errors.Is(err, cli.ErrFailures): // these were listed
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(p.stderr, "omnimedfs: interrupted")
	default:
		fmt.Fprintln(p.stderr, "omnimedfs: "+strings.TrimSpace(err.Error()))
	}
}

// connect returns the api of the mount that holds the cache, else opens the
// cache in this process. The caller calls close.
func (p *program) connect(ctx context.Context) (a api, close func() error, err error) {
	c, err := dialControl(ctx, p.opts.Cache)
	if err == nil {
		return c, c.Close, nil
	}
	if !errors.Is(err, errNoMount) {
		return nil, nil, err
	}
	b, err := p.open(&p.opts, p.log)
	if err != nil {
		return nil, nil, err
	}
	return b, b.Close, nil
}
