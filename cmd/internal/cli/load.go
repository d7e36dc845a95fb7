package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
)

// maxConfig bounds a config file: a larger one is a mistake.
const maxConfig = 1 << 20

// Load sets the values of verb's options from args, the environment and the
// config file, and returns the arguments that are not flags. lookup is
// os.LookupEnv. The config file is the value of the option "config", else
// ConfigPath, which may be absent. The values of the option "option" are mount
// options; they count as flags.
func (s *Set) Load(verb string, args []string, lookup func(string) (string, bool)) ([]string, error) {
	fs := s.Flags(verb)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		return nil, Usage(err)
	}
	if err := s.mountOptions(fs); err != nil {
		return nil, Usage(err)
	}
	return fs.Args(), s.fill(fs, lookup)
}

// fill gives every option that no flag has set its value from the variables
// and the config file.
func (s *Set) fill(fs *pflag.FlagSet, lookup func(string) (string, bool)) error {
	file, err := s.readConfig(lookup)
	if err != nil {
		return err
	}
	for i := range s.Options {
		o := &s.Options[i]
		if o.Local || fs.Lookup(o.Name) == nil || fs.Changed(o.Name) {
			continue
		}
		env := s.Env(o)
		if v, ok := lookup(env); ok && v != "" {
			for _, part := range s.split(o, v) {
				if err := o.Value.Set(part); err != nil {
					return Usage(fmt.Errorf("%s=%s: %w", env, v, err))
				}
			}
			continue
		}
		for _, v := range file.values[o.Name] {
			if err := o.Value.Set(v); err != nil {
				return Usage(fmt.Errorf("%s: %s = %q: %w", file.path, o.Name, v, err))
			}
		}
	}
	return nil
}

// split cuts a variable at its commas where the option is a list.
func (s *Set) split(o *Option, v string) []string {
	if _, ok := o.Value.(*listValue); !ok {
		return []string{v}
	}
	return strings.Split(v, ",")
}

// ConfigPath returns where prog's config file is looked for: below
// $XDG_CONFIG_HOME or ~/.config; "" where there is neither.
func ConfigPath(prog string) string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, prog, "config.toml")
}

type config struct {
	path   string
	values map[string][]string
}

func (s *Set) readConfig(lookup func(string) (string, bool)) (config, error) {
	c := config{path: ConfigPath(s.Prog)}
	asked := false
	if o := s.Find("config"); o != nil {
		if v := o.Value.String(); v != "" {
			c.path, asked = v, true
		} else if v, ok := lookup(strings.ToUpper(s.Prog) + "_CONFIG"); ok && v != "" {
			c.path, asked = v, true
		}
	}
	if c.path == "" {
		return c, nil
	}
	st, err := os.Stat(c.path)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return c, nil
	}
	if err != nil {
		return c, Usage(fmt.Errorf("config file: %w", err))
	}
	if st.Size() > maxConfig {
		return c, Usage(fmt.Errorf("config file %s: %d bytes; the most is %d", c.path, st.Size(), maxConfig))
	}
	data, err := os.ReadFile(c.path)
	if err != nil {
		return c, Usage(fmt.Errorf("config file: %w", err))
	}
	if c.values, err = s.parseConfig(data); err != nil {
		return c, Usage(fmt.Errorf("config file %s: %w", c.path, err))
	}
	return c, nil
}

// parseConfig reads keys that are option names. A value is text, a number, a
// boolean, or, for lists, an array of text.
func (s *Set) parseConfig(data []byte) (map[string][]string, error) {
	var raw map[string]any
	if err := toml.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(raw))
	for key, v := range raw {
		o := s.Find(key)
		if o == nil || o.Local {
			return nil, fmt.Errorf("unknown key %q", key)
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		} else if _, isList := o.Value.(*listValue); !isList {
			return nil, fmt.Errorf("%s: takes one value, not a list", key)
		}
		for _, v := range list {
			switch v.(type) {
			case string, bool, int64, float64:
				out[o.Name] = append(out[o.Name], fmt.Sprint(v))
			default:
				return nil, fmt.Errorf("%s: value is a %T; text, a number or true/false is needed", key, v)
			}
		}
	}
	return out, nil
}
