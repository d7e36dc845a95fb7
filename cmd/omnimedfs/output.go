package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printTable writes rows in columns; the first row is the header.
func printTable(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// printFields writes "name  value" lines and leaves out empty values.
func printFields(w io.Writer, fields [][2]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range fields {
		if f[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", f[0], f[1])
		}
	}
	return t.Flush()
}

// count writes n, or "?" where it is not known.
func count(n int) string {
	if n < 0 {
		return "?"
	}
	return strconv.Itoa(n)
}

// size writes n bytes, or "?" where they are not known.
func size(n int64) string {
	if n < 0 {
		return "?"
	}
	return cli.FormatBytes(n)
}

// share writes how much of a dataset the cache holds.
func share(cached, files int) string {
	switch {
	case cached == 0:
		return "-"
	case files <= 0:
		return "?"
	}
	return strconv.Itoa(100*cached/files) + "%"
}
