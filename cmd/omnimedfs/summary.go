package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts datasets.
type tally struct {
	Datasets   int `json:"datasets"`
	Verified   int `json:"verified"`   // layout
	Unverified int `json:"unverified"` // something is missing
	RawOnly    int `json:"raw_only"`   // of these, those whose layout is not known
}

func (t *tally) add(d *dataset) {
	t.Datasets++
	switch {
	case d.Status == "verified":
		t.Verified++
	case d.RawOnly:
		t.RawOnly++
		fallthrough
	default:
		t.Unverified++
	}
}

// summary counts datasets by what they are and where they come from.
type summary struct {
	All      tally             `json:"all"`
	Modality map[string]*tally `json:"modality"`
	Platform map[string]*tally `json:"platform"`
	License  map[string]*tally `json:"license"`
}

func summarize(list []dataset) summary {
	s := summary{Modality: map[string]*tally{}, Platform: map[string]*tally{}, License: map[string]*tally{}}
	for i := range list {
		d := &list[i]
		s.All.add(d)
		for _, by := range []struct {
			m   map[string]*tally
			key string
		}{{s.Modality, d.Modality}, {s.Platform, d.Platform}, {s.License, d.License}} {
			if by.m[by.key] == nil {
				by.m[by.key] = new(tally)
			}
			by.m[by.key].add(d)
		}
	}
	return s
}

// byCount lists the keys, those of most datasets first.
func byCount(m map[string]*tally) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b].Datasets, m[a].Datasets), strings.Compare(a, b))
	})
}

func (s summary) rows() [][]string {
	out := [][]string{{"BY", "VALUE", "DATASETS", "VERIFIED", "UNVERIFIED", "RAW ONLY"}}
	for _, by := range []struct {
		name string
		m    map[string]*tally
	}{{"modality", s.Modality}, {"platform", s.Platform}, {"license", s.License}} {
		for i, key := range byCount(by.m) {
			name := by.name
			if i > 0 {
				name = ""
			}
			out = append(out, append([]string{name, key}, by.m[key].cells()...))
		}
	}
	return append(out, append([]string{"all", ""}, s.All.cells()...))
}

func (t *tally) cells() []string {
	return []string{fmt.Sprint(t.Datasets), fmt.Sprint(t.Verified), fmt.Sprint(t.Unverified), fmt.Sprint(t.RawOnly)}
}

// markdown is the table of the README.
func (s summary) markdown() string {
	var b strings.Builder
	b.WriteString("| modality | datasets | verified layout | unverified | of these, raw files only |\n|---|---|---|---|---|\n")
	for _, key := range byCount(s.Modality) {
		fmt.Fprintf(&b, "| %s | %s |\n", key, strings.Join(s.Modality[key].cells(), " | "))
	}
	fmt.Fprintf(&b, "| all | %s |\n", strings.Join(s.All.cells(), " | "))
	for _, by := range []struct {
		name string
		m    map[string]*tally
	}{{"Platforms", s.Platform}, {"Licenses", s.License}} {
		var each []string
		for _, key := range byCount(by.m) {
			each = append(each, fmt.Sprintf("%s %d", key, by.m[key].Datasets))
		}
		fmt.Fprintf(&b, "\n%s: %s.\n", by.name, strings.Join(each, ", "))
	}
	return b.String()
}
