package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/fs/verify"
	"github.com/omnimedseg/omnimedfs/sources/archive"
)

// runVerify converts datasets anew from their raw files and compares them with
// what a mount or an exported tree holds.
func runVerify(ctx context.Context, p *program, args []string) error {
	if (len(args) == 0) != p.opts.All {
		return cli.Usage(errors.New("verify: name datasets, or --all"))
	}
	recipes, err := p.chosenRecipes(args, p.opts.All)
	if err != nil {
		return err
	}
	var fsys iofs.FS
	if p.opts.Tree != "" {
		fsys = os.DirFS(p.opts.Tree)
	} else {
		var done func() error
		if fsys, done, err = p.treeFS(ctx); err != nil {
			return err
		}
		defer done()
	}
	reports, findings := []*verify.Report{}, 0
	for _, r := range recipes {
		sub, err := iofs.Sub(fsys, "datasets/"+r.ID)
		if err != nil {
			return err
		}
		if _, err := iofs.Stat(sub, "."); err != nil {
			return err
		}
		bar := cli.NewProgress(p.stderr, p.opts.Progress, r.ID)
		report, err := verify.Run(ctx, verify.Dataset{
			Recipe: r, FS: sub,
			IsArchive: func(name string) bool { return archive.IsArchive(name) || archive.IsPacked(name) },
			Step: func(done, total int, path string) {
				bar.Show(cli.Step{Done: int64(done), Total: int64(total), Name: path})
			},
		})
		bar.Close()
		if err != nil {
			return err
		}
		reports, findings = append(reports, report), findings+len(report.Findings)
		if !p.opts.JSON {
			p.printReport(report)
		}
	}
	if p.opts.JSON {
		if err := printJSON(p.stdout, reports); err != nil {
			return err
		}
	}
	if findings > 0 {
		return cli.ErrFailures
	}
	return nil
}

func (p *program) printReport(r *verify.Report) {
	for _, f := range r.Findings {
		fmt.Fprintln(p.stdout, f)
	}
	fmt.Fprintf(p.stdout, "%s: %d cases, %d images, %d masks (%d empty, as in the raw labels), %d raw checksums: %d findings\n",
		r.Dataset, r.Cases, r.Images, r.Masks, r.Empty, r.RawFiles, len(r.Findings))
}
