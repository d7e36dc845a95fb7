package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func runStatus(ctx context.Context, p *program, _ []string) error {
	c, err := dialControl(ctx, p.opts.Cache)
	if errors.Is(err, errNoMount) {
		return fmt.Errorf("no mount uses the cache %s", p.opts.Cache)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if p.opts.JSON {
		return printJSON(p.stdout, st)
	}
	var requests []string
	for name, n := range st.Requests {
		requests = append(requests, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(requests)
	offline, spool := "", ""
	if st.Spool > 0 {
		spool = size(st.Spool)
	}
	if st.Offline {
		offline = "yes"
	}
	return printFields(p.stdout, [][2]string{
		{"mounted at", st.Mountpoint}, {"since", st.Started.Local().Format(time.DateTime)},
		{"process", strconv.Itoa(st.PID)}, {"version", st.Version}, {"cache", st.Cache},
		{"datasets", strconv.Itoa(st.Datasets)}, {"downloaded", size(st.Downloaded)}, {"unpacked", spool}, {"offline", offline},
		{"warnings", strings.Join(st.Warnings, "; ")}, {"kept failures", strconv.Itoa(st.Failures)}, {"requests", strings.Join(requests, ", ")},
	})
}
