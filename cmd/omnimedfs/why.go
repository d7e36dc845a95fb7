package main

import (
	"context"
	"fmt"
	"time"
)

func runWhy(ctx context.Context, p *program, args []string) error {
	path := p.treePath(args[0])
	list, err := p.failures(ctx, path)
	if err != nil {
		return err
	}
	if p.opts.JSON {
		if list == nil {
			list = []failure{}
		}
		return printJSON(p.stdout, list)
	}
	if len(list) == 0 {
		fmt.Fprintf(p.stdout, "%s: no failure is known\n", path)
		return nil
	}
	for _, f := range list {
		fmt.Fprintf(p.stdout, "%s\n  %s  %s: %s\n", f.Path, f.Time.Local().Format(time.DateTime), f.Errno, f.Error)
		if f.Hint != "" {
			fmt.Fprintf(p.stdout, "  hint: %s\n", f.Hint)
		}
	}
	return nil
}

// failures asks the mount or the cache; where the socket belongs to another
// user, the mount's own list answers.
func (p *program) failures(ctx context.Context, path string) ([]failure, error) {
	a, done, err := p.connect(ctx)
	if err != nil {
		if m, ok := p.mountOf(); ok {
			if list, readErr := readFailures(m, path); readErr == nil {
				return list, nil
			}
		}
		return nil, err
	}
	defer done()
	return a.Why(ctx, path)
}
