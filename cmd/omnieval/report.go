package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/report"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("report", command{args: "DIR", about: "write report.html, report.md, plots, tables and steps.parquet of a run", setup: setupReport})
}

func setupReport(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	root := f.String("data", "", "root of the standard tree, if it moved; for the pictures of the worst cases")
	return func(ctx context.Context, s *streams, args []string) error {
		if len(args) != 1 {
			return usagef("wants the folder of a run")
		}
		info, err := session.ReadInfo(args[0])
		if err != nil {
			return err
		}
		if *root == "" {
			*root = info.Data
		}
		if err := report.Write(ctx, args[0], *root); err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, filepath.Join(args[0], report.HTMLFile))
		return err
	}
}
