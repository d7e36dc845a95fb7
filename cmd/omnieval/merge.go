package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/report"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("merge", command{args: "OUT DIR...", about: "join the shards of a run to the bytes of the whole", setup: setupMerge})
}

func setupMerge(*pflag.FlagSet) func(context.Context, *streams, []string) error {
	return func(_ context.Context, s *streams, args []string) error {
		if len(args) < 2 {
			return usagef("wants OUT and the shards' folders")
		}
		info, err := session.Merge(args[0], args[1:])
		if err != nil {
			return err
		}
		if err := report.Tables(args[0]); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%d units from %d shards: %s\n", info.Units, len(args)-1, args[0])
		return nil
	}
}
