// Package metrics writes counters as Prometheus text.
package metrics

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Family is one metric with its samples.
type Family struct {
	Name    string // without the "omnimedfs_" prefix
	Help    string
	Gauge   bool // else a counter
	Samples []Sample
}

// Sample is one value of a family.
type Sample struct {
	Label, Value string // one label at most; Label "" for none
	N            float64
}

// One returns a family of a single value.
func One(name, help string, gauge bool, n float64) Family {
	return Family{name, help, gauge, []Sample{{N: n}}}
}

// By returns a counter family with one sample a key.
func By(name, help, label string, values map[string]int64) Family {
	f := Family{Name: name, Help: help}
	for k, v := range values {
		f.Samples = append(f.Samples, Sample{label, k, float64(v)})
	}
	sort.Slice(f.Samples, func(i, j int) bool { return f.Samples[i].Value < f.Samples[j].Value })
	return f
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// Text writes the families in the Prometheus text format, version 0.0.4.
func Text(families []Family) []byte {
	var b bytes.Buffer
	for _, f := range families {
		kind := "counter"
		if f.Gauge {
			kind = "gauge"
		}
		fmt.Fprintf(&b, "# HELP omnimedfs_%s %s\n# TYPE omnimedfs_%s %s\n", f.Name, escape.Replace(f.Help), f.Name, kind)
		for _, s := range f.Samples {
			label := ""
			if s.Label != "" {
				label = fmt.Sprintf(`{%s="%s"}`, s.Label, escape.Replace(s.Value))
			}
			fmt.Fprintf(&b, "omnimedfs_%s%s %s\n", f.Name, label, strconv.FormatFloat(s.N, 'f', -1, 64))
		}
	}
	return b.Bytes()
}

// padBlock is the granularity of Pad.
const padBlock = 4096

// Pad fills text up to a multiple of 4096 bytes with empty lines, which JSON
// and Prometheus readers pass over, so that the size of a file whose numbers
// change stays what stat said.
func Pad(text []byte) []byte {
	if over := len(text) % padBlock; over != 0 {
		text = append(text, bytes.Repeat([]byte{'\n'}, padBlock-over)...)
	}
	return text
}
