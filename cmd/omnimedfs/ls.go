package main

import "context"

func runLs(ctx context.Context, p *program, args []string) error {
	a, done, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	list, err := a.List(ctx, filter{IDs: args, Modality: p.opts.Modality, License: p.opts.License, Status: p.opts.Status})
	if err != nil {
		return err
	}
	if p.opts.Summary {
		s := summarize(list)
		if p.opts.JSON {
			return printJSON(p.stdout, s)
		}
		return printTable(p.stdout, s.rows())
	}
	if p.opts.JSON {
		if list == nil {
			list = []dataset{}
		}
		return printJSON(p.stdout, list)
	}
	rows := [][]string{{"ID", "MODALITY", "CASES", "SIZE", "LICENSE", "STATUS", "CACHED"}}
	for _, d := range list {
		rows = append(rows, []string{d.ID, d.Modality, count(d.Cases), size(d.Size), d.License, d.state(), share(d.Cached, d.Files)})
	}
	return printTable(p.stdout, rows)
}
