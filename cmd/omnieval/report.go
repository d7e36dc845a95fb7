package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/report"
)

func init() {
	register("report", command{args: "DIR", about: "write report.html, report.md, plots, tables and steps.parquet of a run", setup: setupReport})
}

func setupReport(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	root := f.String("data", "", "root of the standard tree, if it moved; for the pictures of the worst cases")
	return func(ctx context.Context, s *streams, args []string) error {
		info, err := openRun(args, *root)
		if err != nil {
			return err
		}
		if err := report.Write(ctx, args[0], info.Data); err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, filepath.Join(args[0], report.HTMLFile))
		return err
	}
}
