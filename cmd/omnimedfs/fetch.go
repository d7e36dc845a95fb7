package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// maxListed bounds the failures that are printed; all are in errors.jsonl.
const maxListed = 100

func runFetch(ctx context.Context, p *program, args []string) error {
	targets := make([]string, len(args))
	for i, arg := range args {
		targets[i] = p.treePath(arg)
	}
	a, done, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	mode := p.opts.Progress
	if p.opts.JSON {
		mode = "none" // stdout has a line a step
	}
	bar := cli.NewProgress(p.stderr, mode, "fetch")
	var last fetchEvent
	var failed []failure
	lines := json.NewEncoder(p.stdout)
	err = a.Fetch(ctx, fetchRequest{targets, p.opts.Jobs}, func(e fetchEvent) {
		last = e
		if e.Failed != nil {
			failed = append(failed, *e.Failed)
		}
		if p.opts.JSON {
			_ = lines.Encode(e) // a reader that went away does not stop the work
		}
		bar.Show(cli.Step{Done: e.Done, Total: e.Total, Bytes: e.Bytes})
	})
	bar.Close()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d files, %s; %d were cached, %d failed\n", last.Total, cli.FormatBytes(last.Bytes), last.Cached, len(failed))
	if len(failed) == 0 {
		return nil
	}
	for i, f := range failed {
		if i == maxListed {
			fmt.Fprintf(p.stderr, "… and %d more\n", len(failed)-i)
			break
		}
		fmt.Fprintf(p.stderr, "%s: %s: %s\n", f.Path, f.Errno, f.Error)
	}
	return cli.ErrFailures
}
