package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

func runCache(ctx context.Context, p *program, args []string) error {
	var limit int64
	switch {
	case args[0] == "trim" && len(args) == 2:
		var err error
		if limit, err = cli.ParseBytes(args[1]); err != nil {
			return cli.Usage(err)
		}
	case (args[0] == "stat" || args[0] == "clear") && len(args) == 1:
	default:
		return cli.Usage(errors.New("usage: omnimedfs cache stat|trim SIZE|clear"))
	}
	a, done, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	var st *cacheStat
	switch args[0] {
	case "trim":
		st, err = a.CacheTrim(ctx, limit)
	case "clear":
		st, err = a.CacheClear(ctx)
	default:
		st, err = a.CacheStat(ctx)
	}
	if err != nil {
		return err
	}
	if p.opts.JSON {
		return printJSON(p.stdout, st)
	}
	return printCache(p, st)
}

func printCache(p *program, st *cacheStat) error {
	limit := "none"
	if st.Limit > 0 {
		limit = fmt.Sprintf("%s (%d%% used)", size(st.Limit), 100*st.Disk/st.Limit)
	}
	damaged := ""
	if st.Damaged > 0 {
		damaged = fmt.Sprintf("%d chunks, converted again when read", st.Damaged)
	}
	raw, spool := "", ""
	if st.Raw > 0 {
		raw = size(st.Raw)
	}
	if st.Spool > 0 {
		spool = size(st.Spool)
	}
	return printFields(p.stdout, [][2]string{
		{"folder", st.Folder}, {"on disk", size(st.Disk)}, {"raw bytes", raw}, {"limit", limit}, {"unpacked", spool},
		{"entries", strconv.FormatInt(st.Entries, 10)}, {"holds", size(st.Payload) + " uncompressed"},
		{"generations", strconv.Itoa(st.Generations)}, {"damaged", damaged},
	})
}
