package main

import (
	"context"
	"os"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("resume", command{args: "DIR", about: "finish a run that was cut short", setup: setupResume})
}

func setupResume(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	var m modelFlags
	var e execFlags
	data := f.String("data", "", "root of the standard tree, if it moved")
	m.define(f)
	e.define(f)
	return func(ctx context.Context, s *streams, args []string) error {
		info, err := openRun(args, *data)
		if err != nil {
			return err
		}
		shard, err := session.ParseShard(info.Shard, os.Getenv)
		if err != nil {
			return err
		}
		opt := session.Options{Data: info.Data, Dir: args[0], Shard: shard}
		m.restore(info.Config.Model)
		return start(ctx, s, &info.Config, &m, &e, opt)
	}
}

// openRun reads the run whose folder is the only argument. data replaces where
// its data was, unless it is "".
func openRun(args []string, data string) (*session.Info, error) {
	if len(args) != 1 {
		return nil, usagef("wants the folder of a run")
	}
	info, err := session.ReadInfo(args[0])
	if err == nil && data != "" {
		info.Data = data
	}
	return info, err
}
