// Package cli is what the commands share: one option table that makes flags,
// environment variables, config keys, mount options and help; logs, progress,
// and exit codes.
//
// An option takes its value from the first of these that has one: its flag (or
// -o key=value), its variable, the config file, its default.
package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Option is one row of the table. Its value is set through Value, whose String
// before any setting is the default that help shows.
type Option struct {
	Name  string // --name, key "name"; the variable is PREFIX_NAME
	Short string // one letter or ""
	Arg   string // stands for the value in help; "" for a switch
	Help  string // one line, lower case
	Value pflag.Value
	Local bool     // a flag only: no variable, no key, no mount option
	Verbs []string // the verbs that take it; nil for all
}

// Set is a program's option table.
type Set struct {
	Prog    string // "omnimedfs"; the variables start with it in capitals
	Options []Option
	Sloppy  bool // unknown mount options are ignored, as mount -s asks
}

// For reports whether verb takes the option.
func (o *Option) For(verb string) bool {
	return o.Verbs == nil || slices.Contains(o.Verbs, verb)
}

// Env returns the name of the option's variable, "" where it has none.
func (s *Set) Env(o *Option) string {
	if o.Local {
		return ""
	}
	return strings.ToUpper(s.Prog) + "_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

// Find returns the option of that name; underscores stand for hyphens, as in
// mount options. It returns nil where there is none.
func (s *Set) Find(name string) *Option {
	name = strings.ReplaceAll(name, "_", "-")
	for i := range s.Options {
		if s.Options[i].Name == name {
			return &s.Options[i]
		}
	}
	return nil
}

// Flags makes the flags that verb takes.
func (s *Set) Flags(verb string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(s.Prog+" "+verb, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	for i := range s.Options {
		o := &s.Options[i]
		if !o.For(verb) {
			continue
		}
		f := fs.VarPF(o.Value, o.Name, o.Short, o.Help)
		if o.Arg == "" {
			f.NoOptDefVal = "true"
		}
	}
	return fs
}

// Help returns the lines that describe verb's options.
func (s *Set) Help(verb string) string {
	var names, texts []string
	width := 0
	for i := range s.Options {
		o := &s.Options[i]
		if !o.For(verb) {
			continue
		}
		name := "    --" + o.Name
		if o.Short != "" {
			name = "-" + o.Short + ", --" + o.Name
		}
		if o.Arg != "" {
			name += " " + o.Arg
		}
		text := o.Help
		if d := o.Value.String(); o.Arg != "" && d != "" {
			text += fmt.Sprintf(" (default %s)", d)
		}
		names, texts = append(names, name), append(texts, text)
		width = max(width, len(name))
	}
	var b strings.Builder
	for i := range names {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, names[i], texts[i])
	}
	return b.String()
}
