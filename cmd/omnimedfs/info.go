package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func runInfo(ctx context.Context, p *program, args []string) error {
	a, done, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := a.Info(ctx, args[0])
	if err != nil {
		return err
	}
	if p.opts.JSON {
		return printJSON(p.stdout, d)
	}
	return printInfo(p, d)
}

func printInfo(p *program, d *datasetInfo) error {
	kind := fmt.Sprintf("%s, %d-D", d.Modality, d.Dim)
	if d.Synthetic {
		kind += ", synthetic"
	}
	state := d.Status
	if d.RawOnly {
		state += ", raw files only"
	}
	if d.Missing != "" {
		state += ": " + d.Missing
	}
	var splits []string
	for name, n := range d.Splits {
		splits = append(splits, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(splits)
	err := printFields(p.stdout, [][2]string{
		{"id", d.ID}, {"title", d.Title}, {"kind", kind}, {"anatomy", d.Anatomy},
		{"classes", strings.Join(d.Classes, ", ")}, {"cases", count(d.Cases)},
		{"splits", strings.Join(splits, ", ")}, {"files", count(d.Files)},
		{"cached", fmt.Sprintf("%s (%s)", share(d.Cached, d.Files), strconv.Itoa(d.Cached))},
		{"license", d.License}, {"warnings", strings.Join(d.Warnings, "; ")}, {"state", state},
		{"source", strings.TrimSpace(d.Platform + " " + d.Record)}, {"size", size(d.Size)}, {"path", d.Path},
	})
	if err != nil {
		return err
	}
	for _, f := range d.Sources {
		fmt.Fprintln(p.stdout, strings.TrimRight(fmt.Sprintf("  %s  %s  %s %s", f.Name, size(f.Size), f.URL, f.Sum), " "))
	}
	if d.Citation != "" {
		fmt.Fprintf(p.stdout, "\n%s\n", strings.TrimSpace(d.Citation))
	}
	return nil
}
