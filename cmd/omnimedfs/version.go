package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/sources"
)

// versionInfo is what version prints.
type versionInfo struct {
	Version   string   `json:"version"`
	Commit    string   `json:"commit,omitempty"`
	Go        string   `json:"go"`
	System    string   `json:"system"`
	Platforms []string `json:"platforms"`
	Formats   []string `json:"formats"`
}

func runVersion(_ context.Context, p *program, _ []string) error {
	v := version()
	v.Platforms, v.Formats = registered()
	if p.opts.JSON {
		return printJSON(p.stdout, v)
	}
	return printFields(p.stdout, [][2]string{
		{"omnimedfs", v.Version}, {"commit", v.Commit}, {"go", v.Go + " " + v.System},
		{"platforms", strings.Join(v.Platforms, ", ")}, {"formats", strings.Join(v.Formats, ", ")},
	})
}

func version() versionInfo {
	v := versionInfo{Version: "devel", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " (changed)"
		}
	}
	if v.Commit != "" {
		v.Commit = fmt.Sprintf("%.12s%s", v.Commit, dirty)
	}
	return v
}

// registered names the platforms and raw formats of this build.
func registered() (platforms, formats []string) {
	for _, f := range format.All() {
		formats = append(formats, f.Name)
	}
	slices.Sort(formats)
	return sources.Platforms(), formats
}
