// Command omnieval evaluates interactive segmentation models on the standard
// tree: robot users prompt, a model answers, metrics are recorded. Every verb
// is a file here.
//
// Exit codes: 0 all is well, 1 an error, 2 wrong usage, 3 finished with
// failures that are listed, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sort"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

// gcPercent lets the heap grow by a seventh before it is collected: nearly all
// of it are images and masks, which hold no pointers and cost nothing to trace.
const gcPercent = 15

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := execute(ctx, &streams{os.Stdout, os.Stderr, os.Getenv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// streams are what a command sees of the world. Out is data, Err is talk.
type streams struct {
	out, err io.Writer
	env      func(string) string
}

// command is one verb.
type command struct {
	args  string // after the flags, for the help
	about string
	// setup defines the flags and returns what runs once they are parsed.
	setup func(f *pflag.FlagSet) func(ctx context.Context, s *streams, args []string) error
}

var commands = map[string]command{}

// register adds a verb; each file does so in init.
func register(name string, c command) { commands[name] = c }

func usagef(format string, args ...any) error { return cli.Usage(fmt.Errorf(format, args...)) }

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, s *streams, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(s.out)
		if len(args) == 0 {
			return cli.ExitUsage
		}
		return 0
	}
	c, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(s.err, "omnieval: unknown command %q; omnieval help lists them\n", args[0])
		return cli.ExitUsage
	}
	f := pflag.NewFlagSet(args[0], pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(s.out)
	f.Usage = func() {
		fmt.Fprintf(s.out, "usage: omnieval %s [flags] %s\n\n%s\n\n%s", args[0], c.args, c.about, f.FlagUsages())
	}
	run := c.setup(f)
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return 0
		}
		fmt.Fprintf(s.err, "omnieval %s: %v\n", args[0], err)
		return cli.ExitUsage
	}
	return exitCode(ctx, s, args[0], run(ctx, s, f.Args()))
}

func exitCode(ctx context.Context, s *streams, verb string, err error) int {
	if err != nil {
		fmt.Fprintf(s.err, "omnieval %s: %v\n", verb, err)
	}
	code := cli.ExitCode(err)
	switch {
	case errors.Is(err, session.ErrConfig):
		return cli.ExitUsage
	case code == cli.ExitError && ctx.Err() != nil:
		return cli.ExitInterrupted
	}
	return code
}

func help(w io.Writer) {
	fmt.Fprint(w, "omnieval evaluates interactive segmentation models on the standard tree.\n\ncommands:\n")
	names := make([]string, 0, len(commands))
	for n := range commands {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(w, "  %-9s %s\n", n, commands[n].about)
	}
	fmt.Fprint(w, "\nomnieval COMMAND --help explains one.\n")
}
